"""From settings to where files are kept."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from revenge_adapters.chores import beside
from revenge_adapters.storage_local import LocalFileStorage
from revenge_adapters.wiring.housekeeping import keep_house
from revenge_adapters.wiring.settings.records import Settings
from revenge_core.storage.ports import FileStorage

TIDYING_SECONDS: Final = 6 * 3600.0


def files_folder(settings: Settings) -> Path:
    """The folder for files, where they are kept in one."""
    return settings.storage.local.path or settings.data_dir / "files"


@asynccontextmanager
async def opened_storage(settings: Settings) -> AsyncGenerator[FileStorage]:
    """The place that the settings name, kept tidy until the block is left."""
    async with AsyncExitStack() as stack:
        storage = LocalFileStorage(files_folder(settings))
        stack.push_async_callback(asyncio.to_thread, storage.close)
        tidying = keep_house(storage.tidy, every=TIDYING_SECONDS)
        await stack.enter_async_context(beside(tidying, "revenge files"))
        yield storage
