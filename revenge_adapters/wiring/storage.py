"""From settings to where files are kept."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from revenge_adapters.chores import beside
from revenge_adapters.storage_local import LocalFileStorage
from revenge_adapters.wiring.housekeeping import keep_house
from revenge_adapters.wiring.settings.errors import Problem, SettingsInvalid
from revenge_adapters.wiring.settings.records import Settings
from revenge_core.storage.ports import FileStorage

if TYPE_CHECKING:
    from revenge_adapters.storage_s3 import S3FileStorage

TIDYING_SECONDS: Final = 6 * 3600.0


def files_folder(settings: Settings) -> Path:
    """The folder for files, where they are kept in one."""
    return settings.storage.local.path or settings.data_dir / "files"


@asynccontextmanager
async def opened_storage(settings: Settings) -> AsyncGenerator[FileStorage]:
    """The place that the settings name, kept tidy until the block is left.

    Raises:
        SettingsInvalid: it is a bucket without a name, with half a credential, or nothing here speaks S3.
    """
    async with AsyncExitStack() as stack:
        match settings.storage.backend:
            case "local":
                folder = LocalFileStorage(files_folder(settings))
                stack.push_async_callback(asyncio.to_thread, folder.close)
                tidying = keep_house(folder.tidy, every=TIDYING_SECONDS)
                await stack.enter_async_context(beside(tidying, "revenge files"))
                yield folder
            case "s3":
                bucket = await asyncio.to_thread(_bucket, settings)  # reads many files, and the machine's authorities
                stack.push_async_callback(asyncio.to_thread, bucket.close)
                yield bucket


def _bucket(settings: Settings) -> "S3FileStorage":
    given = settings.storage.s3
    if find_spec("botocore") is None:
        raise _unusable("storage.backend", "is s3, which needs more: pip install 'revenge[s3]'")
    if given.bucket is None:
        raise _unusable("storage.s3.bucket", "is needed where storage.backend is s3")
    if (given.access_key_id is None) != (given.secret_access_key is None):
        raise _unusable("storage.s3.secret_access_key", "and storage.s3.access_key_id go together; give both or none")
    from revenge_adapters.storage_s3 import Bucket, S3FileStorage

    try:
        return S3FileStorage(
            Bucket(
                name=given.bucket,
                region=given.region,
                endpoint=given.endpoint,
                access_key_id=given.access_key_id,
                secret_access_key=given.secret_access_key,
                path_style=given.use_path_style,
            )
        )
    except ValueError as problem:
        raise _unusable("storage.s3.endpoint", f"cannot be used: {problem}") from problem


def _unusable(key: str, detail: str) -> SettingsInvalid:
    return SettingsInvalid([Problem(key=key, source="at start", detail=detail)])
