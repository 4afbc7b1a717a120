"""What keeping files refuses."""

from revenge_core.errors import Invalid, NotFound, Unavailable


class StoredFileNotFound(NotFound):
    """There is no file under this key."""

    code = "file_not_found"
    title = "There is no such file"


class FileTooLarge(Invalid):
    """The content is longer than was allowed; nothing was kept."""

    code = "file_too_large"
    title = "The file is too large"


class FileKeyInvalid(Invalid):
    """The key could name something outside of the storage, or nothing at all."""

    code = "file_key_invalid"
    title = "This is no name of a file"


class StorageUnavailable(Unavailable):
    """The place where files are kept is away, full, or does not let this server in."""

    code = "storage_unavailable"
    title = "Files cannot be kept or read right now"
