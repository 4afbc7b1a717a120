"""`/api/v1/users/me/preferences`."""

import asyncio

import httpx
import pytest

from tests.http.support import Party, pointers, problem

PREFERENCES = "/api/v1/users/me/preferences"
DEFAULTS = {
    "email_notifications": {"enabled": True, "frequency": "instant"},
    "push_notifications": {"enabled": False},
    "digest_notifications": {"enabled": True, "frequency": "weekly"},
    "profile_visibility": "private",
    "show_email": False,
    "show_activity": True,
    "theme": "system",
    "display_language": "en-US",
    "content_language": "",
    "metadata_language": "en",
    "show_adult_content": False,
    "show_spoilers": False,
    "auto_play_videos": True,
}


async def test_defect_31_who_said_nothing_is_told_the_defaults(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.get(PREFERENCES, headers=ada.headers)
    assert (answer.status_code, answer.json()) == (200, {"user_id": ada.id, **DEFAULTS})


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_what_is_left_out_of_a_change_stays(client: httpx.AsyncClient, ada: Party, method: str) -> None:
    for body in ({"email_notifications": {"frequency": "weekly"}}, {"theme": "dark"}):
        await client.request(method, PREFERENCES, json=body, headers=ada.headers)
    digest = {"digest_notifications": {"enabled": False}}
    answer = await client.request(method, PREFERENCES, json=digest, headers=ada.headers)
    assert answer.json() == {
        "user_id": ada.id,
        **DEFAULTS,
        "email_notifications": {"enabled": True, "frequency": "weekly"},
        "digest_notifications": {"enabled": False, "frequency": "weekly"},
        "theme": "dark",
    }
    assert (await client.get(PREFERENCES, headers=ada.headers)).json() == answer.json()


async def test_every_field_can_be_changed(client: httpx.AsyncClient, ada: Party) -> None:
    body = {
        "email_notifications": {"enabled": False, "frequency": "daily"},
        "push_notifications": {"enabled": True},
        "digest_notifications": {"enabled": False, "frequency": "monthly"},
        "profile_visibility": "friends",
        "show_email": True,
        "show_activity": False,
        "theme": "light",
        "display_language": "de-CH",
        "content_language": "de,en",
        "metadata_language": "de",
        "show_adult_content": True,
        "show_spoilers": True,
        "auto_play_videos": False,
    }
    assert body.keys() == DEFAULTS.keys()
    answer = await client.put(PREFERENCES, json=body, headers=ada.headers)
    assert answer.json() == {"user_id": ada.id, **body}


async def test_every_wrong_field_of_a_change_is_told_and_nothing_changes(client: httpx.AsyncClient, ada: Party) -> None:
    body = {"theme": "pink", "profile_visibility": "", "email_notifications": {"frequency": "hourly"}, "show_email": 1}
    said = problem(await client.put(PREFERENCES, json=body, headers=ada.headers), 400, "request_invalid")
    assert pointers(said) == ["/email_notifications/frequency", "/profile_visibility", "/show_email", "/theme"]
    body = {"theme": "dark", "display_language": "en_US", "content_language": "en;de", "metadata_language": ""}
    said = problem(await client.put(PREFERENCES, json=body, headers=ada.headers), 400, "preferences_invalid")
    assert pointers(said) == ["/content_language", "/display_language", "/metadata_language"]
    assert (await client.get(PREFERENCES, headers=ada.headers)).json() == {"user_id": ada.id, **DEFAULTS}


async def test_whose_preferences_they_are_cannot_be_changed(client: httpx.AsyncClient, ada: Party, root: Party) -> None:
    answer = await client.put(PREFERENCES, json={"user_id": root.id, "version": 7}, headers=ada.headers)
    assert answer.json()["user_id"] == ada.id


async def test_a_known_state_is_not_sent_again(client: httpx.AsyncClient, ada: Party) -> None:
    tag = (await client.get(PREFERENCES, headers=ada.headers)).headers["etag"]
    known = {**ada.headers, "if-none-match": tag}
    answer = await client.get(PREFERENCES, headers=known)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    await client.patch(PREFERENCES, json={"theme": "dark"}, headers=ada.headers)
    assert (await client.get(PREFERENCES, headers=known)).status_code == 200


async def test_of_two_who_saw_the_same_state_one_is_refused(client: httpx.AsyncClient, ada: Party) -> None:
    tag = (await client.get(PREFERENCES, headers=ada.headers)).headers["etag"]
    seen = {**ada.headers, "if-match": tag}
    answers = await asyncio.gather(
        client.patch(PREFERENCES, json={"theme": "dark"}, headers=seen),
        client.patch(PREFERENCES, json={"show_email": True}, headers=seen),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_of_two_who_do_not_care_both_are_heard(client: httpx.AsyncClient, ada: Party) -> None:
    await asyncio.gather(
        client.patch(PREFERENCES, json={"theme": "dark"}, headers=ada.headers),
        client.put(PREFERENCES, json={"show_email": True}, headers=ada.headers),
    )
    said = (await client.get(PREFERENCES, headers=ada.headers)).json()
    assert (said["theme"], said["show_email"]) == ("dark", True)


async def test_strangers_have_none(client: httpx.AsyncClient) -> None:
    problem(await client.get(PREFERENCES), 401, "authentication_required")
    problem(await client.put(PREFERENCES, json={}), 401, "authentication_required")
