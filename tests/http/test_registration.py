"""`/api/v1/auth/register` with invitations, `/api/v1/auth/invitation`, `DELETE /api/v1/users/me`."""

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.accounts.entities import AccountRules, NewInvitation, Registration
from revenge_core.actor import Actor
from tests.http.support import MEMBER, Json, Party, pointers, problem, sign_in

REGISTER = "/api/v1/auth/register"
LOOK = "/api/v1/auth/invitation"
ME = "/api/v1/users/me"


@pytest.fixture
def box(request: pytest.FixtureRequest) -> Sandbox:
    return sandbox(account_rules=AccountRules(registration=getattr(request, "param", Registration.OPEN)))


async def invite(box: Sandbox, **changes: object) -> str:
    new = NewInvitation(**changes)  # type: ignore[arg-type]  # fields of the record
    return (await box.revenge.invitations.create(Actor.host(), new)).token.reveal()


@pytest.mark.parametrize("box", [Registration.CLOSED, Registration.INVITE], indirect=True)
async def test_defect_40_a_closed_server_says_how_to_get_in(client: httpx.AsyncClient) -> None:
    said = problem(await client.post(REGISTER, json=MEMBER), 403, "registration_closed")
    assert "invitation" in said["detail"]


@pytest.mark.parametrize("box", Registration, indirect=True)
async def test_an_invitation_lets_in_with_its_role(client: httpx.AsyncClient, box: Sandbox) -> None:
    token = await invite(box, role="admin", email="ada@example.org")
    looked = await client.post(LOOK, json={"token": token})
    assert looked.status_code == 200
    assert looked.json() == {"role": "admin", "email": "ada@example.org", "expires_at": "2026-01-08T12:00:00Z"}
    answer = await client.post(REGISTER, json={**MEMBER, "invitation": token})
    assert answer.status_code == 201
    said: Json = answer.json()
    assert (said["username"], said["is_admin"], said["email_verified"]) == ("ada", True, True)
    problem(await client.post(LOOK, json={"token": token}), 400, "token_invalid")
    other = {**MEMBER, "username": "eve", "email": "eve@example.org", "invitation": token}
    problem(await client.post(REGISTER, json=other), 400, "token_invalid")


async def test_an_invitation_for_another_address_is_told_with_its_place(
    client: httpx.AsyncClient, box: Sandbox
) -> None:
    token = await invite(box, email="grace@example.org")
    said = problem(await client.post(REGISTER, json={**MEMBER, "invitation": token}), 400, "account_invalid")
    assert pointers(said) == ["/email"]


async def test_defect_28_what_is_taken_is_a_conflict_whatever_its_letters(client: httpx.AsyncClient) -> None:
    await client.post(REGISTER, json=MEMBER)
    problem(await client.post(REGISTER, json={**MEMBER, "username": "ADA"}), 409, "username_taken")
    problem(
        await client.post(REGISTER, json={**MEMBER, "username": "eve", "email": "ADA@example.org"}), 409, "email_taken"
    )


async def test_registering_again_with_the_same_key_makes_one_account(client: httpx.AsyncClient, box: Sandbox) -> None:
    first = await client.post(REGISTER, json=MEMBER, headers={"idempotency-key": "one"})
    second = await client.post(REGISTER, json=MEMBER, headers={"idempotency-key": "one"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert len(box.rows.users) == 1


# Leaving


async def test_whoever_leaves_is_out_and_signs_in_to_come_back(client: httpx.AsyncClient, ada: Party) -> None:
    assert (await client.delete(ME, headers=ada.headers)).status_code == 204
    problem(await client.get(ME, headers=ada.headers), 401, "session_ended")
    back = await sign_in(client)
    assert (await client.get(ME, headers=back.headers)).json()["id"] == ada.id


async def test_leaving_takes_a_recent_proof(client: httpx.AsyncClient, box: Sandbox, ada: Party) -> None:
    box.clock.advance(minutes=11)
    problem(await client.delete(ME, headers=ada.headers), 403, "reauth_required")
    problem(await client.delete(ME), 401, "authentication_required")


async def test_the_last_admin_cannot_leave(client: httpx.AsyncClient, root: Party) -> None:
    problem(await client.delete(ME, headers=root.headers), 409, "last_admin")
