"""`/users/me/export`: all that is known of oneself, in one file."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from revenge_core.accounts import entities
from revenge_core.accounts.entities import ExportState
from revenge_core.accounts.errors import ExportNotFound
from revenge_core.errors import ReauthRequired
from revenge_core.storage.errors import StorageUnavailable
from revenge_http.access import signed_in
from revenge_http.answers import Answer, Made
from revenge_http.operations import Call, operation
from revenge_http.repeats import Repeats
from revenge_http.streamed import StreamedAnswer
from revenge_http.wire import Timestamp, Wire, present

_EXPORT = "/api/v1/users/me/export"
_DOWNLOAD = f"{_EXPORT}/download"
_own = signed_in(keys=False)


class Export(Wire, kw_only=True):
    """How far an export is. Once it is `ready` it can be downloaded until `expires_at`."""

    id: UUID
    state: ExportState
    requested_at: Timestamp
    finished_at: Timestamp | UnsetType = UNSET
    expires_at: Timestamp | UnsetType = UNSET
    size: int | UnsetType = UNSET
    """In bytes."""
    download_url: str | UnsetType = UNSET
    """Where the file is, while there is one."""

    @classmethod
    def of(cls, export: entities.Export, prefix: str) -> "Export":
        """The same, for the wire."""
        is_ready = export.state is ExportState.READY
        return cls(
            id=export.id,
            state=export.state,
            requested_at=export.requested_at,
            finished_at=present(export.finished_at),
            expires_at=present(export.expires_at if is_ready else None),
            size=present(export.size),
            download_url=prefix + _DOWNLOAD if is_ready else UNSET,
        )


@operation("POST", _EXPORT, "exportOwnData", _own, status=202, raises=(ReauthRequired,), repeats=Repeats.ANSWER)
async def ask_for_export(call: Call) -> Made[Export]:
    """Have all that is known of oneself put into one file; what is being made or is fresh is not made again."""
    export = await call.revenge.exports.ask(call.actor)
    return Made(Export.of(export, call.prefix), location=_EXPORT, status=202)


@operation("GET", _EXPORT, "getOwnExport", _own, raises=(ExportNotFound,))
async def get_export(call: Call) -> Export:
    """How far one's latest export is."""
    return Export.of(await call.revenge.exports.latest(call.actor), call.prefix)


@operation(
    "GET",
    _DOWNLOAD,
    "downloadOwnExport",
    _own,
    answers={200: None},
    streams="application/zip",
    raises=(ReauthRequired, ExportNotFound, StorageUnavailable),
)
async def download_export(call: Call) -> Answer:
    """The file: a ZIP archive with JSON in it, and one's picture."""
    return StreamedAnswer(
        call.revenge.exports.download(call.actor),
        headers=[
            (b"content-disposition", b'attachment; filename="revenge-export.zip"'),
            (b"cache-control", b"no-store"),
        ],
    )


operations = (ask_for_export, get_export, download_export)
