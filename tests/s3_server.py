"""A real server that speaks S3 (SeaweedFS, from its wheel), as a process that a test may stop."""

import json
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from revenge_adapters.storage_s3 import Bucket
from revenge_core.secrets import Secret

STARTS_WITHIN_SECONDS: Final = 40.0
ACCESS_KEY: Final = "revenge-tests"
SECRET_KEY: Final = "sesame, sesame"


class S3Server:
    """Empty at first. A bucket is made by whoever first puts something into it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="s3-", ignore_cleanup_errors=True)
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""

    def start(self) -> None:
        """Start it and wait until it takes files."""
        folder = Path(self._folder.name)
        rights = ["Admin", "Read", "Write", "List", "Tagging"]
        credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
        (folder / "s3.json").write_text(
            json.dumps({"identities": [{"name": "revenge", "credentials": credentials, "actions": rights}]})
        )
        ports = _free_ports(8)
        self.endpoint = f"http://127.0.0.1:{ports[0]}"
        names = ("s3.port", "master.port", "volume.port", "filer.port")
        places = [f"-{name}={port}" for name, port in zip(names, ports, strict=False)]
        inner = [f"-{name}.grpc={port}" for name, port in zip(names, ports[4:], strict=True)]
        self._process = subprocess.Popen(
            [
                *(_program(), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"),
                *("-s3.config=" + str(folder / "s3.json"), "-s3.port.iceberg=0", "-s3.port.lance=0"),
                *(
                    "-volume.max=20",
                    "-master.volumeSizeLimitMB=64",
                    "-master.telemetry=false",
                    "-volume.preStopSeconds=0",
                ),
                *places,
                *inner,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self._is_ready():
            assert self._process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)

    def bucket(self, name: str, **more: object) -> Bucket:
        """The bucket, for somebody who may do everything there."""
        given = {"access_key_id": ACCESS_KEY, "secret_access_key": Secret(SECRET_KEY), **more}
        place = {"region": "us-east-1", "endpoint": self.endpoint, "path_style": True}
        return Bucket(name=name, **{**place, **given})  # type: ignore[arg-type]  # fields by name

    def close(self) -> None:
        """It and what it kept are gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _is_ready(self) -> bool:
        try:
            urllib.request.urlopen(self.endpoint, timeout=2)  # noqa: S310 (a server of the test's own)
        except urllib.error.HTTPError as problem:
            return problem.code == 403  # it answers, and wants to know who asks
        except OSError:
            return False
        return True


def _program() -> str:
    found = shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")
    assert found, "install the dependency group `test`"
    return found


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has at the moment; the server adds 10000 to some of them where it is not told otherwise."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
