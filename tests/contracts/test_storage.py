from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from revenge_adapters.memory.storage import MemoryFileStorage
from revenge_adapters.storage_local import LocalFileStorage
from revenge_adapters.storage_s3 import S3FileStorage
from revenge_core.testing.contracts.storage import KEY, Depot, FileStorageContract, TestKeys, keys, put
from tests.s3_server import S3Server

__all__ = ["TestKeys"]


class TestMemoryFileStorage(FileStorageContract):
    @pytest.fixture
    def depot(self) -> Depot:
        storage = MemoryFileStorage()

        def set_away(away: bool) -> None:
            storage.is_away = away

        return Depot(storage=storage, set_away=set_away)


class TestLocalFileStorage(FileStorageContract):
    @pytest.fixture
    def depot(self, tmp_path: Path) -> Iterator[Depot]:
        folder, aside = tmp_path / "files", tmp_path / "aside"

        def set_away(away: bool) -> None:
            """As where a disk was taken out: something else stands in its place."""
            if away:
                folder.rename(aside)
                folder.write_text("no folder")
            else:
                folder.unlink()
                aside.rename(folder)

        with closing(LocalFileStorage(folder)) as storage:
            yield Depot(storage=storage, set_away=set_away)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    server = S3Server()
    try:
        server.start()
        yield server
    finally:
        server.close()


class TestS3FileStorage(FileStorageContract):
    @pytest.fixture
    async def depot(self, s3: S3Server) -> AsyncIterator[Depot]:
        nobody = s3.bucket("files", endpoint="http://127.0.0.1:9")
        with closing(S3FileStorage(s3.bucket("files"))) as storage, closing(S3FileStorage(nobody)) as nowhere:
            await put(storage, KEY, b"the first file makes the bucket")
            for key in await keys(storage, ""):
                await storage.delete(key)
            here = storage._client

            def set_away(away: bool) -> None:
                storage._client = nowhere._client if away else here

            yield Depot(storage=storage, set_away=set_away)
            storage._client = here
