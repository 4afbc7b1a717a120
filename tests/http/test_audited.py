"""Whatever changes something leaves an entry in the audit log, in the same transaction (decisions A6)."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace

from revenge_adapters.memory.activity import MemoryActivityLog
from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.accounts.entities import NewInvitation
from revenge_core.actor import Actor
from revenge_core.background import JobState
from revenge_core.errors import DatabaseUnavailable
from revenge_core.ids import UserId
from revenge_core.secrets import Secret
from revenge_core.testing.builders import a_png
from revenge_core.users import NewUser
from revenge_http.app import OPERATIONS
from revenge_http.operations import Operation
from tests.core.post import link
from tests.errands import a_schedule, one_in
from tests.http.support import MEMBER, PASSWORD, Json, Party, sign_in

GRACE: Final = {"username": "grace", "email": "grace@example.org", "password": PASSWORD}


@dataclass(frozen=True)
class Scene:
    """What requests are made of."""

    ada: Party
    bootstrap_token: str
    places: dict[str, str]
    """What paths name: something that is there, of hers where it is somebody's."""


BODIES: Final[dict[str, Callable[[Scene], Json | None]]] = {
    "addGroupMember": lambda _: None,
    "addPolicy": lambda _: {"subject": "guide", "object": "movies", "action": "get"},
    "assignRole": lambda _: {"role": "usher"},
    "createGroup": lambda _: {"name": "Friends"},
    "createRole": lambda _: {"name": "critic"},
    "deleteGroup": lambda _: None,
    "deleteRole": lambda _: None,
    "removeGroupMember": lambda _: None,
    "removePolicy": lambda _: {"subject": "guide", "object": "movies", "action": "list"},
    "removeRole": lambda _: None,
    "updateGroup": lambda _: {"description": "Who sells tickets"},
    "updateRole": lambda _: {"description": "Who shows around"},
    "updateRolePermissions": lambda _: {"permissions": [{"resource": "movies", "action": "get"}]},
    "adminClearLimits": lambda _: None,
    "deleteAvatar": lambda _: None,
    "forgetDevice": lambda _: None,
    "reauthenticate": lambda _: {"password": PASSWORD},
    "adminCancelJob": lambda _: None,
    "adminCancelJobs": lambda scene: {"ids": [int(scene.places["jobId"])]},
    "adminCreateInvitation": lambda _: {},
    "adminCreateUser": lambda _: {"username": "grace", "email": "grace@example.org"},
    "adminDeleteJob": lambda _: None,
    "adminDeleteJobs": lambda _: {"filter": {"state": ["retryable"]}},
    "adminDeleteUser": lambda _: None,
    "adminDisableUser": lambda _: None,
    "adminEnableUser": lambda _: None,
    "adminPauseQueue": lambda _: None,
    "adminPauseSchedule": lambda _: None,
    "adminRestoreUser": lambda _: None,
    "adminResumeQueue": lambda _: None,
    "adminResumeSchedule": lambda _: None,
    "adminRetryJob": lambda _: None,
    "adminRetryJobs": lambda _: {"filter": {"kind": ["errand"]}},
    "adminRevokeAPIKey": lambda _: None,
    "adminRevokeInvitation": lambda _: None,
    "adminRevokeUserSessions": lambda _: None,
    "adminRunSchedule": lambda _: None,
    "adminSendPasswordReset": lambda _: None,
    "adminUpdateUser": lambda _: {"display_name": "Eve"},
    "bootstrap": lambda scene: {**GRACE, "token": scene.bootstrap_token},
    "changePassword": lambda _: {"old_password": PASSWORD, "new_password": "eight yellow parasols"},
    "createAPIKey": lambda _: {"name": "Another", "scopes": ["read"]},
    "deleteCurrentUser": lambda _: None,
    "exportOwnData": lambda _: None,
    "forgotPassword": lambda _: {"email": "ada@example.org"},
    "login": lambda _: MEMBER,
    "logout": lambda _: None,
    "logoutAll": lambda _: None,
    "logoutCurrent": lambda _: None,
    "patchCurrentUser": lambda _: {"display_name": "Ada L."},
    "patchUserPreferences": lambda _: {"theme": "dark"},
    "refreshSession": lambda scene: {"refresh_token": scene.ada.refresh_token},
    "refreshToken": lambda scene: {"refresh_token": scene.ada.refresh_token},
    "register": lambda _: GRACE,
    "resendVerification": lambda _: None,
    "resetPassword": lambda scene: {"token": scene.places["resetToken"], "new_password": "eight yellow parasols"},
    "revokeAPIKey": lambda _: None,
    "revokeSession": lambda _: None,
    "rotateAPIKey": lambda _: None,
    "updateAPIKey": lambda _: {"name": "Renamed"},
    "updateCurrentUser": lambda _: {"timezone": "Europe/Zurich"},
    "updateUserPreferences": lambda _: {"theme": "light"},
    "uploadAvatar": lambda _: None,
    "verifyEmail": lambda scene: {"token": scene.places["verifyToken"]},
}
"""A request that succeeds, for each operation that changes something."""
NAMES: Final = {
    "adminPauseQueue": "bulk",
    "adminPauseSchedule": "shopping",
    "adminResumeQueue": "low",
    "adminResumeSchedule": "laundry",
    "adminRunSchedule": "shopping",
}
"""What is called how in the scene."""
PEOPLE: Final = {"addGroupMember": "disabled", "adminEnableUser": "disabled", "adminRestoreUser": "deleted"}
"""Who `userId` is, where it is somebody special."""
LOOKING: Final = {"lookAtInvitation"}
"""They take a secret, so they are no GET, and change nothing."""
FORM: Final = {"file": ("me.png", a_png())}
CHANGING: Final = [one for one in OPERATIONS if one.method != "GET" and one.name not in LOOKING]


def named(one: Operation) -> str:
    return one.name


@pytest.fixture
async def scene(box: Sandbox, client: httpx.AsyncClient, ada: Party) -> Scene:
    token = await box.revenge.accounts.issue_bootstrap_token()
    assert token
    later = await sign_in(client)
    current = await client.get("/api/v1/sessions/current", headers=later.headers)
    places = {"sessionId": current.json()["id"], "subject": "192.0.2.7"}
    places["deviceId"] = str(next(iter(box.rows.devices.values())).id)
    member = box.rows.roles["user"]
    box.rows.roles["user"] = replace(
        member,
        permissions=member.permissions
        | {f"{one}:*" for one in ("apikeys", "groups", "invitations", "jobs", "limits", "movies", "queues", "roles")}
        | {f"{one}:*" for one in ("schedules", "sessions", "users")},
    )
    for name in ("userId", "disabled", "deleted"):
        new = NewUser(username=name, email=f"{name}@example.org")
        places[name] = str((await box.revenge.accounts.register(new, Secret(PASSWORD))).user.id)
    await box.revenge.administration.disable(Actor.host(), UserId(UUID(places["disabled"])))
    await box.revenge.administration.delete(Actor.host(), UserId(UUID(places["deleted"])))
    key = await client.post("/api/v1/apikeys", headers=later.headers, json={"name": "One", "scopes": ["write"]})
    places["keyId"] = key.json()["id"]
    listing = {"permissions": [{"resource": "movies", "action": "list"}]}
    for name in ("guide", "usher"):
        made = await client.post("/api/v1/rbac/roles", headers=later.headers, json={"name": name} | listing)
        assert made.is_success, made.text
    places["role"] = "guide"
    given = f"/api/v1/rbac/users/{places['userId']}/roles"
    assert (await client.post(given, headers=later.headers, json={"role": "guide"})).is_success
    group = await client.post("/api/v1/rbac/groups", headers=later.headers, json={"name": "Staff"})
    places["groupId"] = group.json()["id"]
    membership = f"/api/v1/rbac/groups/{places['groupId']}/members/{places['userId']}"
    assert (await client.put(membership, headers=later.headers)).is_success
    invited = await box.revenge.invitations.create(Actor.host(), NewInvitation())
    places["invitationId"] = str(invited.invitation.id)
    reset = await box.revenge.recovery.reset_link(Actor.host(), UserId(UUID(ada.id)))
    places["resetToken"] = reset.link.reveal().partition("#token=")[2]
    places["verifyToken"] = (await link(box, "ada@example.org")).reveal()
    await client.post("/api/v1/users/me/avatar", headers=later.headers, files=FORM)
    places["jobId"] = str(await one_in(box, JobState.RETRYABLE))
    await a_schedule(box, "shopping", "laundry")
    await box.revenge.jobs.pause_queue(Actor.host(), "low", paused=True)
    await box.revenge.jobs.pause_schedule(Actor.host(), "laundry", paused=True)
    return Scene(ada=later, bootstrap_token=token.reveal(), places=places)


async def send(client: httpx.AsyncClient, one: Operation, scene: Scene) -> httpx.Response:
    who = {"userId": scene.places[PEOPLE.get(one.name, "userId")]}
    role = {"roleName": "usher" if one.name == "deleteRole" else "guide"}
    path = one.path.format(**scene.places | who | role, name=NAMES.get(one.name))
    headers = {} if one.access.is_public else scene.ada.headers
    return await client.request(
        one.method, path, headers=headers, json=BODIES[one.name](scene), files=FORM if one.uploads else None
    )


def test_every_operation_that_changes_something_is_tried_here() -> None:
    assert {one.name for one in CHANGING} == BODIES.keys()


@pytest.mark.parametrize("one", CHANGING, ids=named)
async def test_what_changes_something_leaves_an_entry(
    box: Sandbox, client: httpx.AsyncClient, scene: Scene, one: Operation
) -> None:
    before = set(box.rows.activity)
    answer = await send(client, one, scene)
    assert answer.is_success, answer.text
    written = [entry for id, entry in box.rows.activity.items() if id not in before]
    mine = [entry for entry in written if entry.request_id == answer.headers["x-request-id"]]
    assert mine
    told = [(entry.action, entry.resource_id, entry.resource_key) for entry in mine]
    assert len(set(told)) == len(told), "the same is told twice"


@pytest.mark.asvs("2.3.3", "16.5.3")
@pytest.mark.parametrize("one", CHANGING, ids=named)
async def test_without_its_entry_nothing_is_changed(
    box: Sandbox, client: httpx.AsyncClient, scene: Scene, one: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_log: MemoryActivityLog, _entry: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(MemoryActivityLog, "add", fail)
    before, announced = box.rows.copy(), list(box.changes)
    answer = await send(client, one, scene)
    assert answer.status_code == 503, answer.text
    # A guess counts before anything is known about it.
    assert dataclasses.replace(box.rows, guesses={}) == dataclasses.replace(before, guesses={})
    assert box.changes == announced
