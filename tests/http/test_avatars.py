"""`/api/v1/users/me/avatar` and `/api/v1/files`."""

from collections.abc import AsyncIterator

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.testing.builders import a_png
from revenge_core.users.entities import AvatarRules
from revenge_http.uploads import ENVELOPE_BYTES
from tests.http.support import Connect, Json, Party, pointers, problem

AVATAR = "/api/v1/users/me/avatar"


async def upload(client: httpx.AsyncClient, party: Party, content: bytes = a_png(), field: str = "file") -> Json:
    answer = await client.post(AVATAR, headers=party.headers, files={field: ("me.html", content, "text/html")})
    assert answer.status_code == 200, answer.text
    said: Json = answer.json()
    return said


async def test_a_picture_is_shown_to_everybody_who_knows_its_address(client: httpx.AsyncClient, ada: Party) -> None:
    said = await upload(client, ada)
    me = (await client.get("/api/v1/users/me", headers=ada.headers)).json()
    assert said["file_path"] == me["avatar_url"]
    assert (said["user_id"], said["mime_type"], said["version"]) == (ada.id, "image/webp", 1)
    assert (said["is_animated"], said["is_current"]) == (False, True)
    file = await client.get(me["avatar_url"])
    assert file.status_code == 200
    assert len(file.content) == said["file_size_bytes"] == int(file.headers["content-length"])


@pytest.mark.asvs("5.3.2")
async def test_defect_22_a_file_says_what_it_is_and_can_do_nothing_in_a_browser(
    client: httpx.AsyncClient, ada: Party
) -> None:
    said = await upload(client, ada)
    assert said["file_path"].endswith(".webp"), "the ending is ours, whatever the client's file was called"
    headers = (await client.get(said["file_path"])).headers
    assert headers["content-type"] == "image/webp"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["content-disposition"] == "inline"
    assert headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_a_file_that_a_client_has_already_is_not_sent_again(client: httpx.AsyncClient, ada: Party) -> None:
    path = (await upload(client, ada))["file_path"]
    tag = (await client.get(path)).headers["etag"]
    again = await client.get(path, headers={"if-none-match": f'"another", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await client.get(path, headers={"if-none-match": '"another"'})).status_code == 200


async def test_the_web_client_of_the_original_calls_the_field_otherwise(client: httpx.AsyncClient, ada: Party) -> None:
    assert (await upload(client, ada, field="avatar"))["version"] == 1


async def test_defect_22_the_file_before_is_gone_and_versions_count_on(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    first, second = await upload(client, ada), await upload(client, ada)
    assert second["version"] == 2
    problem(await client.get(first["file_path"]), 404, "file_not_found")
    assert len(box.storage.files) == 1
    assert (await client.delete(AVATAR, headers=ada.headers)).status_code == 204
    assert box.storage.files == {}
    assert "avatar_url" not in (await client.get("/api/v1/users/me", headers=ada.headers)).json()
    problem(await client.delete(AVATAR, headers=ada.headers), 404, "avatar_not_found")
    assert (await upload(client, ada))["version"] == 3


@pytest.mark.asvs("5.2.2")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html><script>alert(1)</script>",
        a_png(8, 8),
        a_png(5000, 16),
    ],
    ids=["nothing", "svg", "html", "too small", "too wide"],
)
async def test_defect_22_what_is_no_picture_is_the_clients_mistake(
    client: httpx.AsyncClient, ada: Party, content: bytes
) -> None:
    answer = await client.post(AVATAR, headers=ada.headers, files={"file": ("me.png", content, "image/png")})
    assert pointers(problem(answer, 400, "picture_invalid")) == ["/file"]


@pytest.mark.asvs("5.2.1")
async def test_an_upload_that_is_too_long_is_refused_before_it_was_read(client: httpx.AsyncClient, ada: Party) -> None:
    most = AvatarRules().max_bytes
    answer = await client.post(AVATAR, headers=ada.headers, files={"file": ("me.png", bytes(most + 1))})
    problem(answer, 413, "body_too_large")
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
        while read < 10 * most:
            read += 65536
            yield bytes(65536)

    headers = {**ada.headers, "content-type": "multipart/form-data; boundary=x"}
    problem(await client.post(AVATAR, headers=headers, content=endless()), 413, "body_too_large")
    assert read <= most + ENVELOPE_BYTES + 65536


async def test_an_upload_may_be_longer_than_other_bodies(client: httpx.AsyncClient, ada: Party) -> None:
    content = a_png() + bytes(1536 * 1024)
    assert (await upload(client, ada, content))["version"] == 1
    answer = await client.patch("/api/v1/users/me", headers=ada.headers, content=content)
    problem(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    ("kind", "body", "status", "error"),
    [
        ("application/json", b"{}", 415, "media_type_unsupported"),
        ("multipart/form-data", b"", 415, "media_type_unsupported"),
        ("multipart/form-data; boundary=" + "x" * 71, b"", 415, "media_type_unsupported"),
        ("multipart/form-data; boundary=x", b"", 400, "body_malformed"),
        ("multipart/form-data; boundary=x", b"no form at all", 400, "body_malformed"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n", 400, "body_malformed"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="\xff"\r\n',
            400,
            "body_malformed",
        ),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 400, "request_invalid"),
    ],
)
async def test_a_form_that_is_none_is_refused(
    client: httpx.AsyncClient, ada: Party, kind: str, body: bytes, status: int, error: str
) -> None:
    answer = await client.post(AVATAR, headers={**ada.headers, "content-type": kind}, content=body)
    problem(answer, status, error)
    assert "Error" not in answer.text, "what Python says of it stays here"


async def test_a_form_with_other_fields_or_too_many(client: httpx.AsyncClient, ada: Party) -> None:
    picture = ("me.png", a_png())
    more = [("name", (None, b"Ada")), ("file", picture)]
    assert (await client.post(AVATAR, headers=ada.headers, files=more)).status_code == 200
    twice = await client.post(AVATAR, headers=ada.headers, files=[("file", picture), ("avatar", picture)])
    assert pointers(problem(twice, 400, "request_invalid")) == ["/file"]
    none = await client.post(AVATAR, headers=ada.headers, files={"picture": picture})
    assert pointers(problem(none, 400, "request_invalid")) == ["/file"]
    many = await client.post(AVATAR, headers=ada.headers, files=[(f"f{n}", picture) for n in range(17)])
    problem(many, 413, "body_too_large")


async def test_too_many_pictures_at_once_are_asked_to_come_back(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    box.pictures.busy = True
    answer = await client.post(AVATAR, headers=ada.headers, files={"file": ("me.png", a_png())})
    problem(answer, 503, "pictures_busy")
    assert answer.headers["retry-after"] == "1"


async def test_a_storage_that_is_away_is_no_reason_to_lose_a_picture(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    said = await upload(client, ada)
    box.storage.is_away = True
    answer = await client.post(AVATAR, headers=ada.headers, files={"file": ("me.png", a_png())})
    problem(answer, 503, "storage_unavailable")
    problem(await client.get(said["file_path"]), 503, "storage_unavailable")
    box.storage.is_away = False
    assert (await client.get(said["file_path"])).status_code == 200


async def test_strangers_upload_and_delete_nothing(client: httpx.AsyncClient) -> None:
    problem(await client.post(AVATAR, files={"file": ("me.png", a_png())}), 401, "authentication_required")
    problem(await client.delete(AVATAR), 401, "authentication_required")


@pytest.mark.asvs("5.3.2")
@pytest.mark.parametrize(
    "path",
    [
        "",
        "avatars",
        "avatars/",
        "avatars/nobody.webp",
        "avatars/..",
        "avatars/.",
        "avatars/%2e%2e",
        "avatars/..%2fexports%2fada.zip",
        "avatars/../exports/ada.zip",
        "avatars/%2e%2e/exports/ada.zip",
        "avatars/%00.webp",
        "avatars/a%0ab.webp",
        "avatars/A.WEBP",
        "avatars/" + "a" * 5000,
        "avatars//nobody.webp",
        "exports/ada.zip",
        "/etc/passwd",
        "..%5c..%5cetc%5cpasswd",
    ],
)
async def test_a_hostile_path_leads_nowhere(box: Sandbox, client: httpx.AsyncClient, path: str) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"private"

    await box.revenge.avatars._storage.put("exports/ada.zip", content(), media_type="application/zip", max_bytes=9)
    request = client.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=b"/api/v1/files/" + path.encode())
    answer = await client.send(request)
    assert answer.status_code in {400, 404}, answer.text
    assert b"private" not in answer.content


async def test_a_prefix_of_the_server_stands_before_the_address(connect: Connect, ada: Party) -> None:
    client = connect(path_prefix="/media")
    said = await client.post(f"/media{AVATAR}", headers=ada.headers, files={"file": ("me.png", a_png())})
    assert said.json()["file_path"].startswith("/media/api/v1/files/avatars/")
    assert (await client.get(said.json()["file_path"])).status_code == 200
