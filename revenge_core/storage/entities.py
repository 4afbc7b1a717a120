"""Files, as they are kept."""

from datetime import datetime

from revenge_core.entity import Entity


class StoredFile(Entity, kw_only=True):
    """What is known of a file besides its content. A key is written once and never again with other content."""

    key: str
    size: int
    """In bytes."""
    media_type: str
    etag: str
    """Changes with the content: letters, digits and `-`, without quotes."""
    modified_at: datetime
