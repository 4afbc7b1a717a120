"""What every place for files owes."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from revenge_core.storage.entities import StoredFile
from revenge_core.storage.errors import FileKeyInvalid, FileTooLarge, StorageUnavailable, StoredFileNotFound
from revenge_core.storage.policy import checked_key, is_key
from revenge_core.storage.ports import FileStorage
from revenge_core.testing.contracts.world import RACERS, Contract

KEY = "avatars/0f1e2d3c.webp"
HOSTILE = [
    "",
    ".",
    "..",
    "/",
    "/etc/passwd",
    "../secret.json",
    "avatars/../../secret.json",
    "avatars//a.webp",
    "avatars/a.webp/",
    "avatars/.hidden",
    ".partial/a",
    "avatars/A.webp",
    "avatars/a.webp\n",
    "avatars/a\x00.webp",
    "avatars\\a.webp",
    "avatars/ä.webp",
    "avatars/a.tar.gz",
    "~/a",
    "a" * 201,
    "%2e%2e/a",
]
LARGE = 9 * 1024 * 1024
"""More than one part of an upload in parts, more than one piece of a file."""


class InterruptedContentError(Exception):
    """What was to be kept ended in the middle."""


@dataclass(frozen=True, kw_only=True)
class Depot:
    """A place for files, and what is behind it."""

    storage: FileStorage
    set_away: Callable[[bool], None]
    """From now on it cannot be reached, or can again."""


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    """What is to be kept, as it comes."""
    for piece in content:
        yield piece


async def interrupted(*content: bytes) -> AsyncIterator[bytes]:
    """The same, and then nothing is as it should be."""
    for piece in content:
        yield piece
    raise InterruptedContentError


async def put(storage: FileStorage, key: str, *content: bytes, media_type: str = "image/webp") -> StoredFile:
    """Keep it, however long it is."""
    return await storage.put(key, pieces(*content), media_type=media_type, max_bytes=2 * LARGE)


async def content_of(storage: FileStorage, key: str) -> bytes:
    """All of the file."""
    async with storage.read(key) as (file, content):
        found = b"".join([piece async for piece in content])
    assert len(found) == file.size
    return found


async def keys(storage: FileStorage, prefix: str) -> list[str]:
    """All of them, in order."""
    return sorted([key async for key in storage.keys(prefix)])


class FileStorageContract(Contract):
    """Fixture: `depot`, empty."""

    async def test_what_was_put_is_there(self, depot: Depot) -> None:
        file = await put(depot.storage, KEY, b"RIFF", b"", b"WEBP")
        assert (file.key, file.size, file.media_type) == (KEY, 8, "image/webp")
        assert await content_of(depot.storage, KEY) == b"RIFFWEBP"
        found = await depot.storage.stat(KEY)
        assert abs(found.modified_at - file.modified_at) < timedelta(seconds=5)
        assert replace(found, modified_at=file.modified_at) == file
        async with depot.storage.read(KEY) as (read, _):
            assert read == found

    @pytest.mark.parametrize("size", [0, 1, LARGE])
    async def test_any_length_is_kept(self, depot: Depot, size: int) -> None:
        content = bytes(range(251)) * (size // 251 + 1)
        sent = [content[start : min(start + 1_000_003, size)] for start in range(0, size, 1_000_003)]
        assert (await put(depot.storage, KEY, *sent)).size == size
        assert await content_of(depot.storage, KEY) == content[:size]

    async def test_a_file_is_read_in_pieces(self, depot: Depot) -> None:
        await put(depot.storage, KEY, bytes(LARGE))
        async with depot.storage.read(KEY) as (_, content):
            assert max([len(piece) async for piece in content]) <= 1024 * 1024

    async def test_whoever_stops_reading_holds_up_nobody(self, depot: Depot) -> None:
        await put(depot.storage, KEY, bytes(LARGE))
        for _ in range(20):
            async with depot.storage.read(KEY) as (_, content):
                await anext(content)
        assert await depot.storage.delete(KEY)

    @pytest.mark.parametrize("size", [5, 2 * LARGE])
    async def test_what_is_too_long_is_not_kept_and_not_read_on(self, depot: Depot, size: int) -> None:
        read = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal read
            while True:
                read += 1
                yield bytes(size // 4)

        with pytest.raises(FileTooLarge):
            await depot.storage.put(KEY, endless(), media_type="image/webp", max_bytes=size - 1)
        assert read <= 5
        with pytest.raises(StoredFileNotFound):
            await depot.storage.stat(KEY)

    async def test_exactly_as_long_as_allowed_is_kept(self, depot: Depot) -> None:
        file = await depot.storage.put(KEY, pieces(b"12", b"345"), media_type="image/webp", max_bytes=5)
        assert file.size == 5

    @pytest.mark.parametrize("size", [10, LARGE])
    async def test_what_breaks_off_leaves_the_file_before(self, depot: Depot, size: int) -> None:
        before = await put(depot.storage, KEY, b"before")
        with pytest.raises(InterruptedContentError):
            await depot.storage.put(KEY, interrupted(bytes(size)), media_type="image/webp", max_bytes=2 * LARGE)
        assert await content_of(depot.storage, KEY) == b"before"
        assert (await depot.storage.stat(KEY)).etag == before.etag
        assert await keys(depot.storage, "") == [KEY]

    async def test_whoever_is_cancelled_leaves_the_file_before(self, depot: Depot) -> None:
        await put(depot.storage, KEY, b"before")
        waits = asyncio.Event()

        async def hesitant() -> AsyncIterator[bytes]:
            yield b"after"
            waits.set()
            await asyncio.sleep(60)

        putting = asyncio.create_task(
            depot.storage.put(KEY, hesitant(), media_type="image/webp", max_bytes=LARGE),
        )
        await waits.wait()
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        assert await content_of(depot.storage, KEY) == b"before"
        assert await keys(depot.storage, "") == [KEY]

    async def test_another_content_has_another_etag(self, depot: Depot) -> None:
        tags = [(await put(depot.storage, KEY, b"content %d" % number)).etag for number in range(5)]
        assert len(set(tags)) == len(tags)
        assert all(re.fullmatch(r"[A-Za-z0-9-]+", tag) for tag in tags)

    async def test_whoever_reads_gets_one_version_whole(self, depot: Depot) -> None:
        await put(depot.storage, KEY, b"a" * 100_000)
        async with depot.storage.read(KEY) as (file, content):
            await put(depot.storage, KEY, b"b" * 50_000)
            found = b"".join([piece async for piece in content])
        assert (file.size, found) == (100_000, b"a" * 100_000)

    async def test_of_many_who_put_at_once_one_is_last(self, depot: Depot) -> None:
        contents = [bytes([number]) * 300_000 for number in range(RACERS)]
        await asyncio.gather(*(put(depot.storage, KEY, content) for content in contents))
        assert await content_of(depot.storage, KEY) in contents
        assert await keys(depot.storage, "") == [KEY]

    async def test_a_file_is_deleted_once(self, depot: Depot) -> None:
        await put(depot.storage, KEY, b"content")
        assert await depot.storage.delete(KEY) is True
        assert await depot.storage.delete(KEY) is False
        with pytest.raises(StoredFileNotFound):
            await depot.storage.stat(KEY)
        with pytest.raises(StoredFileNotFound):
            async with depot.storage.read(KEY):
                pass

    async def test_keys_are_found_by_their_beginning(self, depot: Depot) -> None:
        assert await keys(depot.storage, "") == []
        mixed = ["a/b.json", "a/c/d.json", "a-b.json", "a0.json", "avatars/1.webp", "avatars/2.webp", "b.json"]
        for key in mixed:
            media_type = "image/webp" if key.endswith("webp") else "application/json"
            await put(depot.storage, key, b"content", media_type=media_type)
        assert await keys(depot.storage, "") == sorted(mixed)
        assert await keys(depot.storage, "avatars/") == ["avatars/1.webp", "avatars/2.webp"]
        assert await keys(depot.storage, "avatars/2") == ["avatars/2.webp"]
        assert await keys(depot.storage, "a/") == ["a/b.json", "a/c/d.json"]
        assert await keys(depot.storage, "nothing/") == []
        assert await keys(depot.storage, "../") == []

    async def test_a_key_tells_what_is_under_it(self, depot: Depot) -> None:
        with pytest.raises(ValueError, match="image/webp"):
            await put(depot.storage, KEY, b"content", media_type="text/html")
        assert (await put(depot.storage, "exports/x", b"", media_type="application/octet-stream")).size == 0

    @pytest.mark.parametrize("key", HOSTILE)
    async def test_what_is_no_key_names_nothing(self, depot: Depot, key: str) -> None:
        with pytest.raises(FileKeyInvalid):
            await put(depot.storage, key, b"content")
        with pytest.raises(StoredFileNotFound):
            await depot.storage.stat(key)
        with pytest.raises(StoredFileNotFound):
            async with depot.storage.read(key):
                pass
        assert await depot.storage.delete(key) is False

    async def test_what_cannot_be_reached_says_so_and_is_found_again(self, depot: Depot) -> None:
        await put(depot.storage, KEY, b"before")
        depot.set_away(True)
        with pytest.raises(StorageUnavailable):
            await put(depot.storage, KEY, b"after")
        with pytest.raises(StorageUnavailable):
            await depot.storage.stat(KEY)
        with pytest.raises(StorageUnavailable):
            await depot.storage.delete(KEY)
        with pytest.raises(StorageUnavailable):
            await keys(depot.storage, "")
        depot.set_away(False)
        assert await content_of(depot.storage, KEY) == b"before"


class TestKeys:
    """Of all places alike."""

    @given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300) | st.from_regex(r"[a-z0-9./_-]{1,250}"))
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_a_key_stays_inside(self, key: str) -> None:
        if not is_key(key):
            with pytest.raises(FileKeyInvalid):
                checked_key(key)
            return
        assert re.fullmatch(r"[a-z0-9._/-]+", key)
        assert all(step and not step.startswith(".") for step in key.split("/"))
