"""From settings to where files are kept."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from revenge_adapters.storage_local import LocalFileStorage
from revenge_adapters.storage_s3 import S3FileStorage
from revenge_adapters.wiring.settings import Settings, SettingsInvalid
from revenge_adapters.wiring.settings.people import S3, Local, Storage
from revenge_adapters.wiring.storage import opened_storage
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.storage import KEY, put

GOOD = S3(bucket="files", endpoint="http://127.0.0.1:9", access_key_id="revenge", secret_access_key=Secret("sesame"))


def settings_with(tmp_path: Path, storage: Storage) -> Settings:
    return replace(Settings(), data_dir=tmp_path, storage=storage)


async def test_files_are_in_the_data_directory_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    async with opened_storage(settings_with(tmp_path, Storage())) as storage:
        assert isinstance(storage, LocalFileStorage)
        await put(storage, KEY, b"content")
    assert (tmp_path / "files" / KEY).read_bytes() == b"content"
    elsewhere = Storage(local=Local(path=tmp_path / "elsewhere"))
    async with opened_storage(settings_with(tmp_path, elsewhere)) as storage:
        await put(storage, KEY, b"content")
    assert (tmp_path / "elsewhere" / KEY).exists()


async def test_files_are_in_a_bucket_where_one_is_named(tmp_path: Path) -> None:
    async with opened_storage(settings_with(tmp_path, Storage(backend="s3", s3=GOOD))) as storage:
        assert isinstance(storage, S3FileStorage)
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize(
    ("s3", "key"),
    [
        (replace(GOOD, bucket=None), "storage.s3.bucket"),
        (replace(GOOD, secret_access_key=None), "storage.s3.secret_access_key"),
        (replace(GOOD, access_key_id=None), "storage.s3.secret_access_key"),
        (replace(GOOD, endpoint="not an address"), "storage.s3.endpoint"),
    ],
)
async def test_a_bucket_that_cannot_be_used_is_told_at_once(tmp_path: Path, s3: S3, key: str) -> None:
    with pytest.raises(SettingsInvalid) as problem:
        async with opened_storage(settings_with(tmp_path, Storage(backend="s3", s3=s3))):
            pass
    assert [one.key for one in problem.value.found] == [key]
    assert "sesame" not in str(problem.value)


async def test_a_bucket_needs_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_is_installed(_name: str) -> None: ...

    monkeypatch.setattr("revenge_adapters.wiring.storage.find_spec", nothing_is_installed)
    with pytest.raises(SettingsInvalid, match=r"revenge\[s3\]"):
        async with opened_storage(settings_with(tmp_path, Storage(backend="s3", s3=GOOD))):
            pass
