"""Forgotten passwords and addresses, as clients meet them."""

import statistics
import time

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.mail.entities import MailRules
from tests.core.post import link, mailed
from tests.http.support import MEMBER, PASSWORD, Party, pointers, problem, sign_in

AUTH = "/api/v1/auth"
EMAIL = MEMBER["email"]
OTHER_PASSWORD = "eight yellow parasols"


async def post(client: httpx.AsyncClient, name: str, **body: object) -> httpx.Response:
    return await client.post(f"{AUTH}/{name}", json=body)


@pytest.fixture
async def reset_token(box: Sandbox, client: httpx.AsyncClient, ada: Party) -> str:
    await mailed(box, EMAIL)
    assert (await post(client, "forgot-password", email=EMAIL)).status_code == 204
    return (await link(box, EMAIL)).reveal()


async def test_a_forgotten_password_is_replaced_by_way_of_the_mailbox(
    client: httpx.AsyncClient, ada: Party, reset_token: str
) -> None:
    answer = await post(client, "reset-password", token=reset_token, new_password=OTHER_PASSWORD)
    assert (answer.status_code, answer.content) == (204, b"")
    problem(await client.get("/api/v1/users/me", headers=ada.headers), 401, "session_ended")
    login = await post(client, "login", username="ada", password=OTHER_PASSWORD)
    assert login.status_code == 200
    assert login.json()["user"]["email_verified"]
    problem(await post(client, "login", username="ada", password=PASSWORD), 401, "credentials_invalid")


@pytest.mark.asvs("6.3.8")
async def test_defect_12_the_answer_does_not_say_who_has_an_account(client: httpx.AsyncClient, ada: Party) -> None:
    known = await post(client, "forgot-password", email=EMAIL)
    unknown = await post(client, "forgot-password", email="nobody@example.org")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (204, b"")
    differ = {"x-request-id", "ratelimit"}
    assert {k: v for k, v in known.headers.items() if k not in differ} == {
        k: v for k, v in unknown.headers.items() if k not in differ
    }


async def test_defect_28_a_token_that_is_no_good_is_one_answer_whatever_the_reason(
    box: Sandbox, client: httpx.AsyncClient, reset_token: str
) -> None:
    await post(client, "reset-password", token=reset_token, new_password=OTHER_PASSWORD)
    said = [
        problem(await post(client, "reset-password", token=token, new_password=OTHER_PASSWORD), 400, "token_invalid")
        for token in (reset_token, "0" * 64, "", "ß")
    ]
    box.clock.advance(minutes=10)
    await mailed(box, EMAIL)
    await post(client, "forgot-password", email=EMAIL)
    late = (await link(box, EMAIL)).reveal()
    box.clock.advance(hours=1)
    said.append(
        problem(await post(client, "reset-password", token=late, new_password=OTHER_PASSWORD), 400, "token_invalid")
    )
    said.append(problem(await post(client, "verify-email", token=late), 400, "token_invalid"))
    assert len({(one["detail"], one["title"]) for one in said}) == 1


async def test_a_refused_password_says_why_and_leaves_the_link_good(
    client: httpx.AsyncClient, reset_token: str
) -> None:
    answer = await post(client, "reset-password", token=reset_token, new_password="password1")
    assert pointers(problem(answer, 400, "password_refused")) == ["/new_password"]
    answer = await post(client, "reset-password", token=reset_token, new_password=OTHER_PASSWORD)
    assert answer.status_code == 204


async def test_an_address_is_verified_by_the_token_of_its_mail(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    token = (await link(box, EMAIL)).reveal()
    assert (await post(client, "verify-email", token=token)).status_code == 204
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).json()["email_verified"]
    again = await client.post(f"{AUTH}/resend-verification", headers=ada.headers)
    problem(again, 409, "email_already_verified")


async def test_another_address_is_pending_until_its_mail_is_answered(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    new = "ada@example.net"
    asked = await client.patch("/api/v1/users/me", json={"email": new}, headers=ada.headers)
    assert asked.status_code == 200, asked.text
    assert (asked.json()["email"], asked.json()["pending_email"]) == (EMAIL, new)
    token = (await link(box, new)).reveal()
    assert (await post(client, "verify-email", token=token)).status_code == 204
    mine = (await client.get("/api/v1/users/me", headers=ada.headers)).json()
    assert mine["email"] == new
    assert mine["email_verified"]
    assert "pending_email" not in mine
    assert (await sign_in(client, new)).id == ada.id


async def test_defect_16_another_address_needs_a_recent_proof(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    box.clock.advance(minutes=11)
    asked = await client.put("/api/v1/users/me", json={"email": "ada@example.net"}, headers=ada.headers)
    problem(asked, 403, "reauth_required")


async def test_the_link_is_mailed_again_to_whoever_is_signed_in(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    problem(await client.post(f"{AUTH}/resend-verification"), 401, "authentication_required")
    await mailed(box, EMAIL)
    box.clock.advance(minutes=2)
    answer = await client.post(f"{AUTH}/resend-verification", headers=ada.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    await link(box, EMAIL)


@pytest.mark.parametrize("name", ["forgot-password", "reset-password", "verify-email"])
async def test_every_missing_field_is_named(client: httpx.AsyncClient, name: str) -> None:
    wanted = {
        "forgot-password": ["/email"],
        "reset-password": ["/new_password", "/token"],
        "verify-email": ["/token"],
    }
    assert pointers(problem(await post(client, name), 400, "request_invalid")) == wanted[name]


async def test_what_is_no_address_is_refused_before_anything_is_done(client: httpx.AsyncClient) -> None:
    answer = await post(client, "forgot-password", email="ada")
    assert pointers(problem(answer, 400, "user_invalid")) == ["/email"]


class TestWithoutMail:
    @pytest.fixture
    def box(self) -> Sandbox:
        return sandbox(mail_rules=MailRules(is_on=False))

    async def test_defect_37_nobody_waits_for_a_mail_that_is_not_sent(
        self, client: httpx.AsyncClient, ada: Party
    ) -> None:
        problem(await post(client, "forgot-password", email=EMAIL), 409, "mail_off")
        problem(await client.post(f"{AUTH}/resend-verification", headers=ada.headers), 409, "mail_off")
        asked = await client.patch("/api/v1/users/me", json={"email": "a@example.net"}, headers=ada.headers)
        problem(asked, 409, "email_change_unavailable")


@pytest.mark.asvs("6.3.8")
async def test_defect_12_one_timing_band_for_known_and_unknown_addresses(box: Sandbox, ada: Party) -> None:
    """Samples in turn, so that whatever else the machine does hits both; medians are hardly moved by outliers."""
    forgot = box.revenge.recovery.forgot
    taken: dict[str, list[float]] = {EMAIL: [], "nobody@example.org": []}
    for _ in range(300):
        for email, times in taken.items():
            begun = time.perf_counter()
            await forgot(email)
            times.append(time.perf_counter() - begun)
        box.rows.jobs.clear()
        box.rows.activity.clear()
    known, unknown = (statistics.median(times) for times in taken.values())
    assert abs(known - unknown) < 0.25 * max(known, unknown)
