"""API keys at the gate: where they are read, what they open, how often, and where they must not turn up."""

import logging
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.ids import UserId
from revenge_core.limits.entities import LimitRules, Quota
from revenge_core.rbac.entities import Role
from revenge_core.secrets import Secret
from revenge_http.options import CookieMode
from tests.http.support import MEMBER, PEER, Connect, Party, problem, sign_in

KEYS: Final = "/api/v1/apikeys"
ME: Final = "/api/v1/users/me"
OWN: Final = "/api/v1/users/me/activity"
RESEND: Final = "/api/v1/auth/resend-verification"


async def key_of(client: httpx.AsyncClient, party: Party, **more: Any) -> tuple[str, dict[str, str]]:  # noqa: ANN401 (any field of a key)
    """The path of a new key, and the header that presents it."""
    wanted = {"name": f"key {more}"[:200], "scopes": ["write"]} | more
    answer = await client.post(KEYS, json=wanted, headers=party.headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"], {"x-api-key": answer.json()["api_key"]}


async def test_a_key_is_read_in_either_header(client: httpx.AsyncClient, ada: Party) -> None:
    _, headers = await key_of(client, ada)
    key = headers["x-api-key"]
    for scheme in ("Bearer", "bearer"):
        answer = await client.get(ME, headers={"authorization": f"{scheme} {key}"})
        assert (answer.status_code, answer.json()["id"]) == (200, ada.id)
    answer = await client.get(ME, headers=headers)
    assert (answer.status_code, answer.json()["id"]) == (200, ada.id)


@pytest.mark.asvs("14.2.1")
async def test_a_key_in_the_address_is_no_credential(client: httpx.AsyncClient, ada: Party) -> None:
    _, headers = await key_of(client, ada)
    for name in ("api_key", "apikey", "key", "access_token", "X-API-Key"):
        problem(await client.get(ME, params={name: headers["x-api-key"]}), 401, "authentication_required")


async def test_a_key_beside_another_credential_is_refused(client: httpx.AsyncClient, ada: Party) -> None:
    _, headers = await key_of(client, ada)
    key = headers["x-api-key"]
    for more in (
        [("authorization", f"Bearer {ada.access_token}"), ("x-api-key", key)],
        [("authorization", f"Bearer {key}"), ("x-api-key", key)],
        [("x-api-key", key), ("x-api-key", key)],
        [("authorization", f"Bearer {key}"), ("authorization", f"Bearer {key}")],
    ):
        problem(await client.get(ME, headers=more), 400, "two_credentials")


async def test_beside_cookies_the_key_counts_and_needs_no_csrf_token(connect: Connect) -> None:
    browser = connect(cookies=CookieMode(csrf_key=Secret("a key that all servers share")))
    await browser.post("/api/v1/auth/register", json=MEMBER)
    ada = await sign_in(browser)
    _, headers = await key_of(browser, ada, scopes=["read"])
    _, writes = await key_of(browser, ada)
    assert "revenge_access_token" in browser.cookies
    problem(await browser.patch(ME, json={}), 403, "csrf_failed")
    assert (await browser.patch(ME, json={"display_name": "A"}, headers=writes)).status_code == 200
    problem(await browser.patch(ME, json={"display_name": "B"}, headers=headers), 403, "permission_denied")
    problem(await browser.get(ME, headers={"x-api-key": "rv_" + "0" * 64}), 401, "api_key_invalid")


@pytest.mark.parametrize(
    "presented", ["", "rv_", "x", "rv_" + "0" * 64, "rv_" + "G" * 64, "rv_" + "0" * 65, "rv_" + "é" * 64, "x" * 8000]
)
async def test_what_is_no_key_of_ours_is_401_and_says_so(client: httpx.AsyncClient, presented: str) -> None:
    answer = await client.get(ME, headers=[(b"x-api-key", presented.encode("latin-1"))])
    problem(answer, 401, "api_key_invalid")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert presented not in answer.text or len(presented) < 4


async def test_a_key_that_is_over_is_401_whatever_ended_it(
    client: httpx.AsyncClient, box: Sandbox, ada: Party, root: Party
) -> None:
    place, revoked = await key_of(client, ada, name="revoked")
    await client.delete(place, headers=ada.headers)
    _, expires = await key_of(client, ada, name="expires")
    problem(await client.get(ME, headers=revoked), 401, "api_key_invalid")
    assert (await client.get(ME, headers=expires)).status_code == 200
    await client.post(f"/api/v1/admin/users/{ada.id}/disable", headers=root.headers)
    problem(await client.get(ME, headers=expires), 401, "api_key_invalid")
    await client.post(f"/api/v1/admin/users/{ada.id}/enable", headers=root.headers)
    assert (await client.get(ME, headers=expires)).status_code == 200
    box.clock.advance(days=366)
    problem(await client.get(ME, headers=expires), 401, "api_key_invalid")


async def test_a_key_is_taken_from_its_networks_only(client: httpx.AsyncClient, connect: Connect, ada: Party) -> None:
    _, headers = await key_of(client, ada, allowed_addresses=[f"{PEER}/32", "2001:db8::/64"])
    elsewhere, sixth = connect(peer="198.51.100.7"), connect(peer="2001:db8::7")
    assert (await client.get(ME, headers=headers)).status_code == 200
    assert (await sixth.get(ME, headers=headers)).status_code == 200
    problem(await elsewhere.get(ME, headers=headers), 403, "api_key_address")


@pytest.mark.asvs("10.3.2")
async def test_platform_3_4_a_read_key_of_an_administrator_changes_nothing(
    client: httpx.AsyncClient, ada: Party, root: Party
) -> None:
    """In the original scopes were never looked at."""
    _, headers = await key_of(client, root, scopes=["read"])
    place = f"/api/v1/admin/users/{ada.id}"
    for answer in (
        await client.post(f"{place}/disable", headers=headers),
        await client.delete(place, headers=headers),
        await client.patch(place, json={"display_name": "x"}, headers=headers),
        await client.patch(ME, json={"display_name": "x"}, headers=headers),
    ):
        assert answer.status_code == 403
    assert (await client.get(ME, headers=headers)).json()["is_admin"] is True


async def test_what_is_for_anybody_signed_in_takes_the_right_to_ones_own(client: httpx.AsyncClient, ada: Party) -> None:
    _, nothing = await key_of(client, ada, name="a", scopes=[], permissions=["profile:read"])
    _, reads = await key_of(client, ada, name="b", scopes=["read"])
    _, fine = await key_of(client, ada, name="c", scopes=[], permissions=["own:read", "own:write"])
    problem(await client.get(OWN, headers=nothing), 403, "key_scope")
    assert (await client.get(OWN, headers=reads)).status_code == 200
    problem(await client.post(RESEND, headers=reads), 403, "key_scope")
    assert (await client.post(RESEND, headers=fine)).status_code != 403
    problem(await client.get("/api/v1/sessions", headers=fine), 403, "key_refused")


async def test_a_key_takes_no_address_and_calls_no_change_of_one_off(
    client: httpx.AsyncClient, box: Sandbox, ada: Party
) -> None:
    _, headers = await key_of(client, ada)
    answer = await client.patch(ME, json={"email": "new@example.org"}, headers=headers)
    assert answer.status_code in {403, 409}
    assert (await client.patch(ME, json={"email": "ada@example.org"}, headers=headers)).status_code == 200
    user = box.rows.users[UserId(UUID(ada.id))]
    assert (user.email, user.pending_email) == ("ada@example.org", None)


@pytest.mark.asvs("8.3.2")
async def test_what_its_owner_loses_a_key_loses_at_once(client: httpx.AsyncClient, box: Sandbox, ada: Party) -> None:
    _, headers = await key_of(client, ada)
    assert (await client.patch(ME, json={"display_name": "A"}, headers=headers)).status_code == 200
    box.rows.roles["user"] = Role(name="user", permissions=frozenset({"profile:read"}))
    problem(await client.patch(ME, json={"display_name": "B"}, headers=headers), 403, "permission_denied")
    box.rows.roles["user"] = Role(name="user", permissions=frozenset({"*:*"}))
    problem(await client.get("/api/v1/admin/users", headers=headers), 403, "permission_denied")


async def test_a_probe_tells_more_to_a_key_that_may_know(client: httpx.AsyncClient, ada: Party, root: Party) -> None:
    (_, may), (_, may_not) = await key_of(client, root, scopes=["read"]), await key_of(client, ada)
    told = [(await client.get("/readyz", headers=headers)).json() for headers in (may, may_not, {})]
    assert told[0] != told[1] == told[2]
    bad = await client.get("/readyz", headers={"x-api-key": "rv_" + "0" * 64})
    assert (bad.status_code, bad.json()) == (200, told[2])


async def test_when_and_where_from_a_key_was_used_is_seen_by_its_owner(
    client: httpx.AsyncClient, box: Sandbox, ada: Party
) -> None:
    place, headers = await key_of(client, ada)
    assert "last_used_at" not in (await client.get(place, headers=ada.headers)).json()
    await client.get(ME, headers=headers)
    await box.revenge.api_keys.write_sightings()
    said = (await client.get(place, headers=ada.headers)).json()
    assert (said["last_used_at"][:19], said["last_used_address"]) == (box.clock.now().isoformat()[:19], PEER)


@pytest.mark.asvs("16.2.5", "14.2.1")
async def test_no_key_turns_up_in_logs_answers_or_the_audit_log(
    connect: Connect, box: Sandbox, ada: Party, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "revenge")
    client = connect(access_log=True)
    place, headers = await key_of(client, ada)
    rotated = (await client.post(f"{place}/rotate", headers=ada.headers)).json()["api_key"]
    answers: list[httpx.Response] = []
    for key in (headers["x-api-key"], rotated, "rv_" + "5eaf00d5" * 8):
        answers += [
            await client.get(ME, headers={"x-api-key": key}),
            await client.get(ME, headers={"authorization": f"Bearer {key}"}),
            await client.get(ME, headers={"authorization": f"Basic {key}"}),
            await client.get(ME, params={"api_key": key}),
            await client.get("/api/v1/sessions", headers={"x-api-key": key}),
            await client.patch(ME, content=b"{", headers={"x-api-key": key}),
            await client.get(place, headers=ada.headers),
            await client.get(f"{place}/uses", headers=ada.headers),
        ]
        await client.get(f"/api/v1/apikeys/{key}", headers=ada.headers)
        await client.get(f"/{key}{key}")
        secret = key[8:]
        assert not [one.text for one in answers if secret in one.text]
        assert not [one.headers for one in answers if secret in str(one.headers)]
        assert not [one for one in caplog.records if one.name.startswith("revenge") and secret in one.getMessage()]
        assert secret not in repr(box.rows)
    assert len(caplog.messages) >= len(answers)
    assert len(box.rows.activity) > 2


# How often ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def limited() -> Sandbox:
    """With limits on, none of which is in the way."""
    plenty = Quota(burst=10_000, window=timedelta(minutes=1))
    return sandbox(limit_rules=LimitRules(everything=plenty, login=plenty, account=plenty, refresh=plenty))


class TestLimits:
    """Of keys."""

    @pytest.fixture
    def box(self, limited: Sandbox) -> Sandbox:
        return limited

    async def test_a_key_with_a_limit_is_told_what_is_left_and_when_to_come_again(
        self, client: httpx.AsyncClient, box: Sandbox, ada: Party
    ) -> None:
        _, headers = await key_of(client, ada, rate_limit=2)
        answers = [await client.get(ME, headers=headers) for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert {one.headers["ratelimit-policy"] for one in answers} == {'"key";q=2;w=60'}
        assert [one.headers["ratelimit"] for one in answers] == [
            '"key";r=1;t=30', '"key";r=0;t=60', '"key";r=0;t=60',
        ]  # fmt: skip
        problem(answers[2], 429, "rate_limited")
        assert answers[2].headers["retry-after"] == "30"
        box.clock.advance(seconds=30)
        assert (await client.get(ME, headers=headers)).status_code == 200

    async def test_a_limit_is_that_of_one_key_from_wherever_it_comes(
        self, client: httpx.AsyncClient, connect: Connect, ada: Party
    ) -> None:
        _, headers = await key_of(client, ada, name="one", rate_limit=1)
        _, other = await key_of(client, ada, name="other", rate_limit=1)
        elsewhere = connect(peer="198.51.100.7")
        assert (await client.get(ME, headers=headers)).status_code == 200
        problem(await elsewhere.get(ME, headers=headers), 429, "rate_limited")
        assert (await client.get(ME, headers=other)).status_code == 200
        answer = await client.get(ME, headers=ada.headers)
        assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)

    async def test_what_a_key_is_refused_counts_as_well(self, client: httpx.AsyncClient, ada: Party) -> None:
        _, headers = await key_of(client, ada, rate_limit=1, scopes=["read"])
        problem(await client.get("/api/v1/sessions", headers=headers), 403, "key_refused")
        problem(await client.get(ME, headers=headers), 429, "rate_limited")

    async def test_a_key_without_a_limit_is_told_of_none(self, client: httpx.AsyncClient, ada: Party) -> None:
        _, headers = await key_of(client, ada)
        answers = [await client.get(ME, headers=headers) for _ in range(50)]
        assert {(one.status_code, "ratelimit" in one.headers) for one in answers} == {(200, False)}


async def test_where_limits_are_off_keys_have_none(client: httpx.AsyncClient, ada: Party) -> None:
    _, headers = await key_of(client, ada, rate_limit=1)
    assert {(await client.get(ME, headers=headers)).status_code for _ in range(5)} == {200}
