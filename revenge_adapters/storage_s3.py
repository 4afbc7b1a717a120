"""Files in a bucket that speaks S3, by botocore, whose calls block: they run in threads of their own.

A bucket shows an object when all of it has arrived, and replaces it as a whole. What is longer than a part goes in
several; whoever dies in between leaves parts that nobody sees, which a rule of the bucket removes (docs/operations.md).
"""

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final, TypeVar

from typing_extensions import override

from revenge_core.entity import Entity
from revenge_core.secrets import Secret
from revenge_core.storage.entities import StoredFile
from revenge_core.storage.errors import FileTooLarge, StorageUnavailable, StoredFileNotFound
from revenge_core.storage.policy import check_media_type, checked_key, is_key, media_type_of
from revenge_core.storage.ports import FileStorage

T = TypeVar("T")

PART: Final = 8 * 1024 * 1024
"""At least 5 MiB, says S3; one put holds so much in memory."""
PIECE: Final = 256 * 1024
THREADS: Final = 8
TRIES: Final = 3
_NOT_THERE: Final = {"404", "NoSuchKey", "NotFound"}
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9-]")

_log = logging.getLogger("revenge.storage")


class Bucket(Entity, kw_only=True):
    """A bucket, and how to be let in."""

    name: str
    region: str
    endpoint: str | None = None
    """Amazon's where it is None."""
    access_key_id: str | None = None
    """Where it is None, botocore looks where it always does: the environment, the machine's role."""
    secret_access_key: Secret | None = None
    path_style: bool = False
    connect_timeout: timedelta = timedelta(seconds=5)
    read_timeout: timedelta = timedelta(seconds=30)


class S3FileStorage(FileStorage):
    """A bucket. Requests go to its endpoint and nowhere else: redirects are not followed."""

    def __init__(self, bucket: Bucket) -> None:
        from botocore.config import Config  # type: ignore[import-untyped]  # it has none
        from botocore.session import Session  # type: ignore[import-untyped]  # it has none

        self._bucket = bucket
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        secret = bucket.secret_access_key
        session: Any = Session()
        self._client: Any = session.create_client(
            "s3",
            region_name=bucket.region,
            endpoint_url=bucket.endpoint,
            aws_access_key_id=bucket.access_key_id,
            aws_secret_access_key=secret.reveal() if secret else None,
            verify=ssl.get_default_verify_paths().cafile or True,  # the machine's authorities, or SSL_CERT_FILE
            config=Config(
                connect_timeout=bucket.connect_timeout.total_seconds(),
                read_timeout=bucket.read_timeout.total_seconds(),
                retries={"mode": "standard", "total_max_attempts": TRIES},
                max_pool_connections=THREADS,
                s3={"addressing_style": "path" if bucket.path_style else "virtual"},
                # Checksums of another kind are unknown to most servers that are not Amazon's.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        self._client.meta.events.register("before-call.s3", _stay_here)

    def close(self) -> None:
        """Let what runs finish, drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    @override
    async def put(self, key: str, content: AsyncIterable[bytes], *, media_type: str, max_bytes: int) -> StoredFile:
        check_media_type(checked_key(key), media_type)
        parts = _parts(content, max_bytes)
        first = await anext(parts, b"")
        if len(first) < PART:
            answer = await self._call("put_object", Key=key, Body=first, ContentType=media_type)
            return _described(key, len(first), answer["ETag"], _date(answer))
        return await self._put_in_parts(key, first, parts, media_type)

    async def _put_in_parts(self, key: str, first: bytes, rest: AsyncIterator[bytes], media_type: str) -> StoredFile:
        upload = (await self._call("create_multipart_upload", Key=key, ContentType=media_type))["UploadId"]
        try:
            tags: list[dict[str, object]] = []
            size, part = 0, first
            while part:
                number = len(tags) + 1
                answer = await self._call("upload_part", Key=key, UploadId=upload, PartNumber=number, Body=part)
                tags.append({"ETag": answer["ETag"], "PartNumber": number})
                size += len(part)
                part = await anext(rest, b"")
            whole = {"Parts": tags}
            answer = await self._call("complete_multipart_upload", Key=key, UploadId=upload, MultipartUpload=whole)
        except BaseException:
            # Not awaited: whoever was cancelled does not wait, and the thread does it all the same.
            self._pool.submit(self._abort, key, upload)
            raise
        return _described(key, size, answer["ETag"], _date(answer))

    @override
    async def stat(self, key: str) -> StoredFile:
        return _of_answer(key, await self._look("head_object", key))

    @override
    @asynccontextmanager
    async def read(self, key: str) -> AsyncGenerator[tuple[StoredFile, AsyncIterator[bytes]]]:
        answer = await self._look("get_object", key)
        body = answer["Body"]
        try:
            yield (file := _of_answer(key, answer)), self._pieces(body, file.size)
        finally:
            body.close()

    @override
    async def delete(self, key: str) -> bool:
        try:
            await self.stat(key)  # S3 itself does not tell
        except StoredFileNotFound:
            return False
        await self._call("delete_object", Key=key)
        return True

    @override
    async def keys(self, prefix: str) -> AsyncIterator[str]:
        more: dict[str, str] = {}
        while True:
            page = await self._call("list_objects_v2", Prefix=prefix, **more)
            for found in page.get("Contents", ()):
                if is_key(found["Key"]):
                    yield found["Key"]
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    async def _pieces(self, body: Any, size: int) -> AsyncGenerator[bytes]:  # noqa: ANN401 (botocore has no types)
        left = size
        while left:
            piece: bytes = await self._run(partial(body.read, min(PIECE, left)))
            if not piece:
                raise StorageUnavailable  # the line broke; the length was promised already
            left -= len(piece)
            yield piece

    async def _look(self, operation: str, key: str) -> Any:  # noqa: ANN401 (the same)
        """As `_call`, for a file that may not be there.

        Raises:
            StoredFileNotFound: there is none, or `key` is no key.
        """
        from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # it has none

        if not is_key(key):
            raise StoredFileNotFound
        try:
            return await self._call(operation, Key=key)
        except StorageUnavailable as problem:
            cause = problem.__cause__
            if isinstance(cause, ClientError) and _code(cause) in _NOT_THERE:
                raise StoredFileNotFound from None
            raise

    async def _call(self, operation: str, **given: object) -> Any:  # noqa: ANN401 (the same)
        return await self._run(partial(getattr(self._client, operation), Bucket=self._bucket.name, **given))

    async def _run(self, work: Callable[[], T]) -> T:
        """What `work` says, from a thread.

        Raises:
            StorageUnavailable: the server refused, or nobody answers.
        """
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError  # pyright: ignore[reportMissingTypeStubs] # as above

        try:
            return await asyncio.wrap_future(self._pool.submit(work))
        except ClientError as problem:
            if (code := _code(problem)) not in _NOT_THERE:
                _log.warning("files in bucket %s: %s refused, %s", self._bucket.name, _operation(problem), code)
            raise StorageUnavailable from problem
        except (BotoCoreError, HTTPClientError, OSError, RuntimeError, ValueError) as problem:
            # RuntimeError: the pool is closed. ValueError: the answer is not what S3 says.
            _log.warning("files in bucket %s: %s", self._bucket.name, type(problem).__name__)
            raise StorageUnavailable from problem

    def _abort(self, key: str, upload: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs] # as above

        try:
            self._client.abort_multipart_upload(Bucket=self._bucket.name, Key=key, UploadId=upload)
        except (BotoCoreError, ClientError) as problem:
            _log.warning("parts of a file stay in bucket %s: %s", self._bucket.name, type(problem).__name__)


async def _parts(content: AsyncIterable[bytes], max_bytes: int) -> AsyncGenerator[bytes]:
    """`content`, in parts as long as S3 wants them; the last one is what is left.

    Raises:
        FileTooLarge: there is more than `max_bytes` of it.
    """
    size, waiting = 0, bytearray()
    async for piece in content:
        size += len(piece)
        if size > max_bytes:
            raise FileTooLarge
        waiting += piece
        while len(waiting) >= PART:
            yield bytes(waiting[:PART])
            del waiting[:PART]
    if waiting:
        yield bytes(waiting)


def _stay_here(params: dict[str, Any], **_: object) -> None:
    """Tell botocore that it followed a redirect to another region already: it follows one at most."""
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _code(problem: Any) -> str:  # noqa: ANN401 (the same)
    return str(problem.response.get("Error", {}).get("Code", ""))


def _operation(problem: Any) -> str:  # noqa: ANN401 (the same)
    return str(problem.operation_name)


def _date(answer: Any) -> datetime:  # noqa: ANN401 (the same)
    """When the server answered: S3 does not say when it was put."""
    said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(said).astimezone(UTC) if said else datetime.now(UTC)


def _of_answer(key: str, answer: Any) -> StoredFile:  # noqa: ANN401 (the same)
    return _described(key, answer["ContentLength"], answer["ETag"], answer["LastModified"])


def _described(key: str, size: int, tag: str, modified_at: datetime) -> StoredFile:
    return StoredFile(
        key=key,
        size=size,
        media_type=media_type_of(key),
        etag=_UNUSUAL.sub("", tag),
        modified_at=modified_at.astimezone(UTC),
    )
