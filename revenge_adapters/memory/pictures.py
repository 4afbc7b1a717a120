"""Pictures for tests: the head of a PNG is looked at, and nothing is drawn."""

import asyncio
import struct
from typing import Final

from typing_extensions import override

from revenge_core.errors import FieldProblem
from revenge_core.users.entities import AvatarRules, Picture
from revenge_core.users.errors import PictureInvalid, PicturesBusy
from revenge_core.users.ports import Pictures

PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
HEAD: Final = len(PNG) + 8


class MemoryPictures(Pictures):
    """Knows PNG, as `builders.a_png` makes it. Set `busy` to see what callers do when too many are being drawn."""

    def __init__(self, at_once: int = 10) -> None:
        self.busy = False
        self._places = asyncio.BoundedSemaphore(at_once)

    @override
    async def redraw(self, upload: bytes, rules: AvatarRules) -> Picture:
        if self.busy or self._places.locked():
            raise PicturesBusy(retry_after=1)
        async with self._places:
            await asyncio.sleep(0)  # drawing takes time
            return self._drawn(upload, rules)

    @staticmethod
    def _drawn(upload: bytes, rules: AvatarRules) -> Picture:
        if not upload.startswith(PNG) or len(upload) <= HEAD or "image/png" not in rules.media_types:
            raise _refused("must be a picture of a kind that is allowed")
        width, height = struct.unpack(">II", upload[len(PNG) : HEAD])
        if not all(rules.min_pixels <= side <= rules.max_pixels for side in (width, height)):
            raise _refused(f"must be {rules.min_pixels} to {rules.max_pixels} pixels wide and high")
        return Picture(content=b"drawn %dx%d" % (width, height), media_type="image/webp", width=width, height=height)


def _refused(detail: str) -> PictureInvalid:
    return PictureInvalid(problems=[FieldProblem(pointer="/file", detail=detail)])
