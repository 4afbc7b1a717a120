"""Files in a folder: what the contract cannot see."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from revenge_adapters.storage_local import ABANDONED, LocalFileStorage
from revenge_core.storage.errors import StorageUnavailable, StoredFileNotFound
from revenge_core.testing.contracts.storage import KEY, content_of, keys, pieces, put


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def storage(top: Path) -> Iterator[LocalFileStorage]:
    with closing(LocalFileStorage(top)) as storage:
        yield storage


async def test_only_this_servers_user_can_look_in(storage: LocalFileStorage, top: Path) -> None:
    await put(storage, KEY, b"content")
    modes = {path.relative_to(top.parent): stat.S_IMODE(path.stat().st_mode) for path in top.parent.rglob("*")}
    assert modes == {
        Path("files"): 0o700,
        Path("files/.partial"): 0o700,
        Path("files/avatars"): 0o700,
        Path("files", KEY): 0o600,
    }


@pytest.mark.asvs("5.3.2")
async def test_links_lead_nowhere(storage: LocalFileStorage, top: Path, tmp_path: Path) -> None:
    await put(storage, KEY, b"content")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text("secret")
    (top / "out").symlink_to(outside)
    (top / "avatars" / "secret.json").symlink_to(outside / "secret.json")
    (top / "avatars" / "round").symlink_to(top)
    for key in ("out/secret.json", "avatars/secret.json", "avatars/round/" + KEY):
        with pytest.raises(StoredFileNotFound):
            await content_of(storage, key)
    assert await storage.delete("out/secret.json") is False
    assert await keys(storage, "") == [KEY]
    with pytest.raises(StorageUnavailable):
        await put(storage, "out/new.json", b"{}", media_type="application/json")
    await put(storage, "avatars/secret.json", b"{}", media_type="application/json")
    assert (outside / "secret.json").read_text() == "secret"
    assert [path.name for path in outside.iterdir()] == ["secret.json"]


async def test_what_is_no_plain_file_is_no_file(storage: LocalFileStorage, top: Path) -> None:
    await put(storage, KEY, b"content")
    os.mkfifo(top / "avatars" / "pipe.webp")
    (top / "avatars" / "folder.webp").mkdir()
    for key in ("avatars/pipe.webp", "avatars/folder.webp", "avatars", KEY + "/inner"):
        with pytest.raises(StoredFileNotFound):
            await asyncio.wait_for(storage.stat(key), 5)
    assert await keys(storage, "") == [KEY]


async def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "files").symlink_to(tmp_path / "disk")
    with closing(LocalFileStorage(tmp_path / "files")) as storage:
        await put(storage, KEY, b"content")
    assert (tmp_path / "disk" / KEY).read_bytes() == b"content"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
async def test_a_full_disk_leaves_nothing(
    storage: LocalFileStorage, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(storage, KEY, b"before")
    opened = os.open

    def full(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        descriptor = opened(path, flags, mode, dir_fd=dir_fd)
        if flags & os.O_CREAT:
            os.close(descriptor)
            return opened("/dev/full", os.O_WRONLY)
        return descriptor

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(StorageUnavailable):
        await put(storage, KEY, b"after")
    monkeypatch.undo()
    assert await content_of(storage, KEY) == b"before"
    assert list((top / ".partial").iterdir()) == []


@pytest.mark.parametrize("broken", ["fsync", "rename"])
async def test_a_disk_that_fails_leaves_the_file_before(
    storage: LocalFileStorage, top: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    await put(storage, KEY, b"before")

    def fail(*_given: object, **_more: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(StorageUnavailable) as problem:
        await put(storage, KEY, b"after")
    monkeypatch.undo()
    assert str(top) not in problem.value.detail, "clients learn nothing of this machine's folders"
    assert await content_of(storage, KEY) == b"before"
    assert list((top / ".partial").iterdir()) == []


async def test_a_file_that_somebody_cut_breaks_off(storage: LocalFileStorage, top: Path) -> None:
    await put(storage, KEY, bytes(1024 * 1024))
    async with storage.read(KEY) as (_, content):
        os.truncate(top / KEY, 10)
        with pytest.raises(StorageUnavailable):
            _ = [piece async for piece in content]


async def test_what_a_dead_process_was_writing_is_removed_after_a_day(storage: LocalFileStorage, top: Path) -> None:
    await storage.tidy()  # nothing is there yet
    await put(storage, KEY, b"content")
    old, new = top / ".partial" / "old", top / ".partial" / "new"
    for path, age in ((old, ABANDONED + timedelta(minutes=1)), (new, ABANDONED - timedelta(minutes=1))):
        path.write_bytes(b"half")
        then = time.time() - age.total_seconds()
        os.utime(path, (then, then))
    await storage.tidy()
    assert (old.exists(), new.exists()) == (False, True)
    assert await keys(storage, "") == [KEY]


async def test_a_closed_storage_says_so(top: Path) -> None:
    storage = LocalFileStorage(top)
    await put(storage, KEY, b"content")
    storage.close()
    with pytest.raises(StorageUnavailable):
        await put(storage, KEY, b"after")


async def test_files_hold_up_nobody_else(storage: LocalFileStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        time.sleep(0.3)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    putting = asyncio.create_task(put(storage, KEY, b"content"))
    started = time.monotonic()
    await asyncio.sleep(0.05)
    assert time.monotonic() - started < 0.25
    await putting


WRITER = """
import asyncio, sys
from pathlib import Path
from revenge_adapters.storage_local import LocalFileStorage

async def content(letter):
    for _ in range(64):
        yield letter * 16384

async def main():
    storage = LocalFileStorage(Path(sys.argv[1]))
    print("here", flush=True)
    while True:
        for letter in (b"a", b"b"):
            await storage.put("avatars/a.webp", content(letter), media_type="image/webp", max_bytes=2**24)

asyncio.run(main())
"""


@pytest.mark.faults
async def test_whoever_is_killed_leaves_one_version_whole(storage: LocalFileStorage, top: Path, scale: float) -> None:
    for number in range(max(3, round(10 * scale))):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(top)], stdout=subprocess.PIPE) as writer:  # noqa: ASYNC220 (nothing else runs)
            assert writer.stdout is not None
            writer.stdout.readline()
            await asyncio.sleep(0.02 + 0.013 * number)
            writer.send_signal(signal.SIGKILL)
        if await keys(storage, ""):
            content = await content_of(storage, "avatars/a.webp")
            assert content in {b"a" * 2**20, b"b" * 2**20}
    assert await keys(storage, "") == ["avatars/a.webp"]


async def test_a_put_takes_little_memory(storage: LocalFileStorage) -> None:
    longest = 0

    async def content() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(1024 * 1024)

    await storage.put(KEY, content(), media_type="image/webp", max_bytes=2**27)
    async with storage.read(KEY) as (file, found):
        async for piece in found:
            longest = max(longest, len(piece))
    assert (file.size, longest) == (64 * 1024 * 1024, 256 * 1024)
    await storage.put(KEY, pieces(b""), media_type="image/webp", max_bytes=0)
