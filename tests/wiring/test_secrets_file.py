"""The master secret in the data directory."""

import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from revenge_adapters.wiring.errors import SecretFileUnusable
from revenge_adapters.wiring.secrets_file import csrf_key, master_key_file, master_secret
from revenge_adapters.wiring.settings import Auth, Settings
from revenge_core.secrets import Secret

MAKE_ONE = """
import sys, time
from pathlib import Path
from revenge_adapters.wiring.secrets_file import master_secret
from revenge_adapters.wiring.settings import Settings
time.sleep(max(0, float(sys.argv[2]) - time.time()))
print(master_secret(Settings(data_dir=Path(sys.argv[1])))[0].reveal())
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_defect_02_the_first_start_makes_a_secret_that_only_its_owner_reads(tmp_path: Path) -> None:
    secret, place = master_secret(Settings(data_dir=tmp_path))
    file = master_key_file(tmp_path)
    assert len(secret.reveal()) == 64
    assert str(file) in place
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    assert [path.name for path in file.parent.iterdir()] == ["master.key"]


def test_later_starts_use_the_same_secret(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert master_secret(settings)[0] == master_secret(settings)[0]


def test_all_servers_with_one_master_secret_make_the_same_csrf_tokens(tmp_path: Path) -> None:
    first, second = (
        csrf_key(Settings(data_dir=tmp_path / name, auth=Auth(jwt_secret=Secret("x" * 32)))) for name in "ab"
    )
    other = csrf_key(Settings(data_dir=tmp_path, auth=Auth(jwt_secret=Secret("y" * 32))))
    assert first == second != other
    assert "x" * 8 not in first.reveal()


def test_a_given_secret_wins_and_nothing_is_made(tmp_path: Path) -> None:
    given = Secret("x" * 32)
    secret, place = master_secret(Settings(data_dir=tmp_path, auth=Auth(jwt_secret=given)))
    assert secret == given
    assert place == "the setting auth.jwt_secret"
    assert list(tmp_path.iterdir()) == []


def test_modes_that_let_others_in_are_corrected(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    master_secret(settings)
    file = master_key_file(tmp_path)
    file.chmod(0o644)
    file.parent.chmod(0o755)
    master_secret(settings)
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 40])
def test_a_damaged_secret_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    settings = Settings(data_dir=tmp_path)
    master_secret(settings)
    master_key_file(tmp_path).write_bytes(content)
    with pytest.raises(SecretFileUnusable, match="backup"):
        master_secret(settings)
    assert master_key_file(tmp_path).read_bytes() == content


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "secrets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SecretFileUnusable):
        master_secret(Settings(data_dir=tmp_path))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_two_processes_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    start = str(time.time() + 0.4)
    command = [sys.executable, "-c", MAKE_ONE, str(tmp_path), start]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    secrets = {child.communicate(timeout=60)[0] for child in children}
    assert len(secrets) == 1
    assert len(secrets.pop()) == 65
