"""Draws one picture anew: a program of its own, that `pictures_pillow` starts for each upload.

A decoder of pictures is where hostile bytes meet C. Here it has nothing to gain: no secret, no file, bounded memory and
time, and when it crashes nobody else notices. It knows nothing of Revenge, so that it starts quickly.

Its argument is the rules as JSON, its input the upload. It writes a line of JSON, then the picture; or a line with
`problem` in it, in words for whoever uploaded it.
"""

import io
import json
import os
import resource
import sys
import warnings
from typing import Any, Final

MEMORY_BYTES: Final = 1024**3
"""4096 by 4096 pixels take 64 MiB, and turning them around as much again; Python with its libraries takes 200 MiB."""
CPU_SECONDS: Final = 10
NICENESS: Final = 10
"""Whoever uploads one hard picture after another keeps two processors busy: the server goes first on them."""
LONGEST_SIDE: Final = 1024
"""Of what is kept, in pixels. Larger pictures are made smaller: nobody shows a face larger."""
QUALITY: Final = 85


class RefusedError(Exception):
    """What was uploaded cannot be used, for the reason given."""


def main() -> None:
    """Read, draw, write."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    rules: dict[str, Any] = json.loads(sys.argv[1])
    try:
        content, (width, height) = drawn(sys.stdin.buffer.read(), rules)
    except RefusedError as problem:
        head: dict[str, object] = {"problem": str(problem)}
        content = b""
    else:
        head = {"width": width, "height": height}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + content)


def drawn(upload: bytes, rules: dict[str, Any]) -> tuple[bytes, tuple[int, int]]:
    """The first frame of the picture as WebP, upright, and its size.

    Raises:
        RefusedError: it is no picture, of another kind than allowed, too small, too large, or damaged.
    """
    from PIL import Image, ImageOps

    kinds = {kind.removeprefix("image/").upper() for kind in rules["media_types"]}
    Image.MAX_IMAGE_PIXELS = rules["max_pixels"] ** 2
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        # Only these decoders are asked; each looks at the first bytes, and nobody at names (ASVS 5.2.2).
        image: Any = Image.open(io.BytesIO(upload), formats=sorted(kinds))
    except Exception:  # noqa: BLE001 -- a decoder may raise anything, and all of it means the same
        raise RefusedError(f"must be a picture, of one of these kinds: {', '.join(sorted(kinds))}") from None
    least, most = rules["min_pixels"], rules["max_pixels"]
    if not all(least <= side <= most for side in image.size):
        raise RefusedError(f"must be {least} to {most} pixels wide and high; it is {image.size[0]} by {image.size[1]}")
    try:
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is decoded at a fraction of its size
        image.load()
        image = ImageOps.exif_transpose(image)
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    except Exception:  # noqa: BLE001 -- the same
        raise RefusedError("cannot be read: the picture is damaged") from None
    clean = Image.new(image.mode, image.size)  # has none of the metadata that a copy would keep
    clean.paste(image)
    kept = io.BytesIO()
    clean.save(kept, "WEBP", quality=QUALITY)
    return kept.getvalue(), clean.size


if __name__ == "__main__":
    main()
