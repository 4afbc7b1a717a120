"""`/api/v1/users/me/export`."""

import io
import json
import zipfile

import httpx

from revenge_adapters import Sandbox
from tests.http.support import Party, problem

EXPORT = "/api/v1/users/me/export"
DOWNLOAD = f"{EXPORT}/download"


async def test_an_export_is_asked_for_waited_for_and_downloaded(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    problem(await client.get(EXPORT, headers=ada.headers), 404, "export_not_found")
    asked = await client.post(EXPORT, headers=ada.headers)
    assert (asked.status_code, asked.headers["location"]) == (202, EXPORT)
    assert asked.json() == {"id": asked.json()["id"], "state": "pending", "requested_at": "2026-01-01T12:00:00Z"}
    assert (await client.get(asked.headers["location"], headers=ada.headers)).json() == asked.json()
    problem(await client.get(DOWNLOAD, headers=ada.headers), 404, "export_not_found")
    await box.jobs.run()
    said = (await client.get(EXPORT, headers=ada.headers)).json()
    assert said == {
        "id": asked.json()["id"],
        "state": "ready",
        "requested_at": "2026-01-01T12:00:00Z",
        "finished_at": "2026-01-01T12:00:00Z",
        "expires_at": "2026-01-08T12:00:00Z",
        "size": said["size"],
        "download_url": DOWNLOAD,
    }
    file = await client.get(said["download_url"], headers=ada.headers)
    assert (file.status_code, file.headers["content-type"]) == (200, "application/zip")
    assert file.headers["content-disposition"] == 'attachment; filename="revenge-export.zip"'
    assert file.headers["cache-control"] == "no-store"
    assert int(file.headers["content-length"]) == len(file.content) == said["size"]
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert json.loads(archive.read("account.json"))["account"]["id"] == ada.id


async def test_asking_twice_is_asking_once(client: httpx.AsyncClient, ada: Party) -> None:
    first, second = [await client.post(EXPORT, headers=ada.headers) for _ in range(2)]
    assert first.json() == second.json()


async def test_an_export_holds_everything_so_it_needs_a_recent_proof(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    await client.post(EXPORT, headers=ada.headers)
    await box.jobs.run()
    box.clock.advance(minutes=11)
    problem(await client.post(EXPORT, headers=ada.headers), 403, "reauth_required")
    problem(await client.get(DOWNLOAD, headers=ada.headers), 403, "reauth_required")
    assert (await client.get(EXPORT, headers=ada.headers)).json()["state"] == "ready"


async def test_an_export_is_its_owners_alone(box: Sandbox, client: httpx.AsyncClient, ada: Party, root: Party) -> None:
    await client.post(EXPORT, headers=ada.headers)
    await box.jobs.run()
    for path in (EXPORT, DOWNLOAD):
        problem(await client.get(path, headers=root.headers), 404, "export_not_found")
        problem(await client.get(path), 401, "authentication_required")
    (key,) = box.storage.files
    assert (await client.get(f"/api/v1/files/{key}", headers=root.headers)).status_code == 404
    assert (await client.get(f"/api/v1/files/{key}")).status_code in {401, 404}


async def test_while_files_cannot_be_read_nothing_else_is_said_than_that(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    await client.post(EXPORT, headers=ada.headers)
    await box.jobs.run()
    box.storage.is_away = True
    problem(await client.get(DOWNLOAD, headers=ada.headers), 503, "storage_unavailable")
