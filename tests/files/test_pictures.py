"""Pictures as people have them, and as nobody should (identity.md, 22; ASVS 5.2)."""

import asyncio
import io
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from revenge_adapters.pictures_pillow import PROGRAM, PillowPictures
from revenge_core.testing.builders import a_png
from revenge_core.users.entities import AvatarRules, Picture
from revenge_core.users.errors import PictureInvalid

RULES = AvatarRules()
ALL = AvatarRules(media_types=frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"}))
SCRIPT = b"<script>alert(document.domain)</script>"


def saved(image: Image.Image, kind: str, **more: Any) -> bytes:  # noqa: ANN401 (what Pillow's writers take)
    kept = io.BytesIO()
    image.save(kept, kind, **more)
    return kept.getvalue()


def two_colours() -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (64, 32), "red")
    image.paste("blue", (32, 0, 64, 32))
    return image


def shown(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.content), formats=["WEBP"])
    image.load()
    return image


def is_near(pixel: Any, colour: tuple[int, int, int]) -> bool:  # noqa: ANN401 (one of Pillow's many)
    return all(abs(one - other) < 60 for one, other in zip(pixel[:3], colour, strict=True))


@pytest.mark.parametrize("kind", ["GIF", "JPEG", "PNG", "WEBP"])
async def test_a_picture_looks_as_before(kind: str) -> None:
    image = shown(await PillowPictures().redraw(saved(two_colours(), kind), ALL))
    assert image.size == (64, 32)
    assert is_near(image.convert("RGB").getpixel((8, 16)), (255, 0, 0))
    assert is_near(image.convert("RGB").getpixel((56, 16)), (0, 0, 255))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
async def test_pictures_of_every_make_can_be_drawn(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert shown(await PillowPictures().redraw(saved(Image.new(mode, (32, 32)), kind), RULES)).size == (32, 32)


async def test_what_is_transparent_stays_so() -> None:
    image = shown(await PillowPictures().redraw(saved(Image.new("RGBA", (32, 32), (0, 0, 0, 0)), "PNG"), RULES))
    pixel: Any = image.convert("RGBA").getpixel((16, 16))
    assert pixel[3] == 0


async def test_a_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    picture = await PillowPictures().redraw(saved(two_colours(), "JPEG", exif=exif), RULES)
    image = shown(picture)
    assert image.size == (picture.width, picture.height) == (32, 64)
    assert is_near(image.convert("RGB").getpixel((16, 8)), (255, 0, 0))


async def test_defect_22_nothing_but_the_picture_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x8825] = {1: "N", 2: (47.0, 22.0, 0.0)}
    upload = saved(two_colours(), "JPEG", exif=exif, comment=SCRIPT, icc_profile=b"profile of eve") + SCRIPT
    picture = await PillowPictures().redraw(upload, RULES)
    image = shown(picture)
    assert image.getexif() == {}
    assert {"exif", "icc_profile", "xmp", "comment"} & image.info.keys() == set()
    assert b"taken at home" not in picture.content
    assert b"script" not in picture.content


async def test_of_an_animation_one_frame_is_kept() -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "green")]
    for kind in ("GIF", "WEBP", "PNG"):
        upload = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        image = shown(await PillowPictures().redraw(upload, ALL))
        assert getattr(image, "n_frames", 1) == 1
        assert is_near(image.convert("RGB").getpixel((16, 16)), (255, 0, 0))


async def test_a_large_picture_is_made_smaller() -> None:
    picture = await PillowPictures().redraw(saved(Image.new("RGB", (4000, 2000)), "JPEG"), RULES)
    assert (picture.width, picture.height) == (1024, 512)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a document": lambda: b"%PDF-1.7\n" + SCRIPT,
    "a page": lambda: b"<!doctype html>" + SCRIPT,
    "a drawing with a script": lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT,
    "a kind of picture that is not allowed": lambda: saved(two_colours(), "GIF"),
    "a kind of picture that nobody allows": lambda: saved(two_colours(), "TIFF"),
    "PostScript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n",
    "a page that begins like a picture": lambda: b"GIF89a" + SCRIPT,
    "a head without a picture": lambda: saved(two_colours(), "JPEG")[:100],
    "900 million pixels": lambda: a_png(30_000, 30_000),
    "a picture that says it is endless": lambda: a_png(2**31 - 1, 2**31 - 1),
}


@pytest.mark.asvs("5.2.6")
@pytest.mark.parametrize("upload", HOSTILE.values(), ids=HOSTILE.keys())
async def test_defect_22_what_is_no_such_picture_is_refused(upload: Callable[[], bytes]) -> None:
    with pytest.raises(PictureInvalid):
        await PillowPictures().redraw(upload(), RULES)


@pytest.mark.parametrize(
    "program",
    ["import os; os.abort()", "import time; time.sleep(60)", "print('no record')", "x = bytearray(64 * 1024**3)", ""],
    ids=["crashes", "hangs", "answers nonsense", "takes all memory", "says nothing"],
)
async def test_a_decoder_that_breaks_harms_nobody(tmp_path: Path, program: str) -> None:
    (tmp_path / "draw.py").write_text(program)
    pictures = PillowPictures(program=tmp_path / "draw.py", timeout=timedelta(seconds=2))
    with pytest.raises(PictureInvalid):
        await pictures.redraw(a_png(), RULES)


async def test_the_server_goes_first_on_the_processors() -> None:
    rules = msgspec.json.encode(RULES).decode()
    pipe = asyncio.subprocess.PIPE
    drawing = await asyncio.create_subprocess_exec(sys.executable, "-I", PROGRAM, rules, stdin=pipe, stdout=pipe)
    try:
        async with asyncio.timeout(10):
            while os.getpriority(os.PRIO_PROCESS, drawing.pid) <= os.getpriority(os.PRIO_PROCESS, 0):  # noqa: ASYNC110 (processes set no events)
                await asyncio.sleep(0.01)
    finally:
        drawing.kill()
        await drawing.communicate()


async def test_whoever_gives_up_leaves_no_process_and_no_place_taken(tmp_path: Path) -> None:
    (tmp_path / "draw.py").write_text(
        f"import os, time; open({str(tmp_path / 'pid')!r}, 'a').write(f'{{os.getpid()}}\\n')\ntime.sleep(60)"
    )
    pictures = PillowPictures(program=tmp_path / "draw.py")
    drawing = [asyncio.create_task(pictures.redraw(a_png(), RULES)) for _ in range(10)]
    while not (tmp_path / "pid").exists() or (tmp_path / "pid").read_text().count("\n") < 2:  # noqa: ASYNC110 (processes set no events)
        await asyncio.sleep(0.05)
    for one in drawing:
        one.cancel()
    await asyncio.gather(*drawing, return_exceptions=True)
    for pid in (tmp_path / "pid").read_text().split():
        assert not Path("/proc", pid).exists()  # noqa: ASYNC240 (/proc does not block)
    assert pictures._places == 10


async def test_the_process_knows_nothing_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVENGE_AUTH_JWT_SECRET", "sesame")
    (tmp_path / "draw.py").write_text(f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(repr(dict(os.environ)))")
    with pytest.raises(PictureInvalid):
        await PillowPictures(program=tmp_path / "draw.py").redraw(a_png(), RULES)
    assert "sesame" not in (tmp_path / "seen").read_text()
