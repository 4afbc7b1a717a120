"""Files that Revenge keeps: pictures of people, exports of their data."""

from revenge_core.storage.entities import StoredFile
from revenge_core.storage.errors import FileTooLarge, StorageUnavailable, StoredFileNotFound
from revenge_core.storage.ports import FileStorage

__all__ = ["FileStorage", "FileTooLarge", "StorageUnavailable", "StoredFile", "StoredFileNotFound"]
