"""Files in a bucket: what the contract cannot see. These servers are not real: real ones do none of this."""

import gc
import json
import logging
import threading
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from revenge_adapters.storage_s3 import Bucket, S3FileStorage
from revenge_core.secrets import Secret
from revenge_core.storage.errors import StorageUnavailable
from revenge_core.testing.contracts.storage import KEY, content_of, keys, put

SECRET = "a secret that is nowhere to be read"
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")


@contextmanager
def answering(status: int, body: bytes = b"", **headers: str) -> Generator[tuple[str, list[str]]]:
    """A server that answers everything alike: where it is, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            asked.append(self.command)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 (its name there)

    for method in METHODS:
        setattr(Handler, f"do_{method}", Handler.answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # closing it waits for them
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def bucket(endpoint: str) -> Bucket:
    return Bucket(
        name="files",
        region="us-east-1",
        endpoint=endpoint,
        access_key_id="revenge",
        secret_access_key=Secret(SECRET),
        path_style=True,
        connect_timeout=timedelta(seconds=1),
        read_timeout=timedelta(seconds=1),
    )


async def everything(storage: S3FileStorage) -> None:
    """Each use is refused."""
    with pytest.raises(StorageUnavailable):
        await storage.stat(KEY)
    with pytest.raises(StorageUnavailable):
        await content_of(storage, KEY)
    with pytest.raises(StorageUnavailable):
        await put(storage, KEY, b"content")
    with pytest.raises(StorageUnavailable):
        await keys(storage, "")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # botocore drops such lines unclosed
@pytest.mark.asvs("15.3.2")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_is_followed_elsewhere(status: int) -> None:
    with ExitStack() as stack:
        elsewhere, asked = stack.enter_context(answering(200, b"<ListBucketResult/>", ETag='"evil"'))
        endpoint, here = stack.enter_context(answering(status, Location=f"{elsewhere}/files/{KEY}"))
        storage = stack.enter_context(closing(S3FileStorage(bucket(endpoint))))
        await everything(storage)
        assert here
        assert asked == []
    gc.collect()


async def test_the_secret_is_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = json.dumps({"echo": SECRET}).encode()
    with answering(403, b"<Error><Code>AccessDenied</Code><Message>" + told + b"</Message></Error>") as (endpoint, _):
        storage = S3FileStorage(bucket(endpoint))
        with pytest.raises(StorageUnavailable) as problem:
            await put(storage, KEY, b"content")
        storage.close()
        assert SECRET not in repr(vars(storage)) + repr(bucket(endpoint))
    assert SECRET not in problem.value.detail
    ours = [record for record in caplog.records if record.name.startswith("revenge")]
    assert ours
    assert not any(SECRET in record.getMessage() for record in ours)


async def test_an_answer_that_is_cut_short_is_no_file() -> None:
    headers = {"ETag": '"1"', "Last-Modified": "Mon, 02 Feb 2026 10:00:00 GMT"}
    with answering(200, b"content", **headers) as (endpoint, _), closing(S3FileStorage(bucket(endpoint))) as storage:
        async with storage.read(KEY) as (file, _):
            with pytest.raises(StorageUnavailable):
                _ = [piece async for piece in storage._pieces(_Ended(), file.size)]


class _Ended:
    """A line that broke."""

    def read(self, _length: int) -> bytes:
        return b""


async def test_an_answer_that_is_none_is_a_storage_that_is_away() -> None:
    with answering(200, b"no XML", ETag='"1"') as (endpoint, _):
        storage = S3FileStorage(bucket(endpoint))
        with pytest.raises(StorageUnavailable):
            await keys(storage, "")
        storage.close()
