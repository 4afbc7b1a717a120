"""Whatever is done to whom in whatever order: somebody can administer the server (decisions I1)."""

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from revenge_adapters import Sandbox, sandbox
from revenge_core.accounts.entities import AccountChanges
from revenge_core.accounts.errors import AccountNotDeleted
from revenge_core.actor import Actor, ActorKind
from revenge_core.errors import RevengeError, Unauthenticated
from revenge_core.ids import UserId
from revenge_core.permissions import ALL_PERMISSIONS
from revenge_core.rbac.errors import LastAdmin
from revenge_core.users.errors import UserNotFound
from tests.core.people import PASSWORD, new_user

PEOPLE = 3
DEEDS = ("delete", "demote", "disable", "enable", "leave", "promote", "purge", "restore")
STEPS = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, PEOPLE - 1)), max_size=25)


class Person:
    """What somebody should be."""

    def __init__(self, user_id: UserId) -> None:
        self.user_id = user_id
        self.is_active = True
        self.is_admin = True
        self.is_deleted = False
        self.may_return = False
        self.is_erased = False

    @property
    def administers(self) -> bool:
        return self.is_active and self.is_admin and not self.is_deleted

    def refusal(self, deed: str, *, is_last: bool) -> type[RevengeError] | None:
        """Why this cannot be done to them; None if it can."""
        if deed == "purge":
            return None
        if self.is_erased:
            return Unauthenticated if deed == "leave" else UserNotFound
        if deed == "restore":
            return None if self.is_deleted else AccountNotDeleted
        if self.is_deleted and self.may_return and deed == "delete":
            return None
        if self.is_deleted:
            return Unauthenticated if deed == "leave" else UserNotFound
        return LastAdmin if is_last and deed in {"delete", "demote", "disable", "leave"} else None

    def undergo(self, deed: str) -> None:
        """Become what the deed makes of them."""
        match deed:
            case "delete" | "leave":
                self.is_deleted = True
                self.may_return = deed == "leave"
            case "demote" | "promote":
                self.is_admin = deed == "promote"
            case "disable" | "enable":
                self.is_active = deed == "enable"
            case "restore":
                self.is_deleted = self.may_return = False
            case _:
                self.is_erased = self.is_erased or self.is_deleted


async def do(box: Sandbox, deed: str, user_id: UserId) -> None:
    """Do it, for real."""
    host, administration = Actor.host(), box.revenge.administration
    match deed:
        case "delete":
            await administration.delete(host, user_id)
        case "disable":
            await administration.disable(host, user_id)
        case "enable":
            await administration.enable(host, user_id)
        case "leave":
            until = box.clock.now() + timedelta(minutes=1)
            own = Actor(kind=ActorKind.USER, user_id=user_id, permissions=ALL_PERMISSIONS, proven_until=until)
            await box.revenge.accounts.delete_me(own)
        case "purge":
            box.clock.advance(days=31)
            await box.jobs.run()
        case "restore":
            await administration.restore(host, user_id)
        case _:
            roles = frozenset({"admin"} if deed == "promote" else {"user"})
            await administration.change(host, user_id, AccountChanges(roles=roles))


async def play(steps: list[tuple[str, int]]) -> None:
    box = sandbox()
    names = [new_user(f"admin-{number}") for number in range(PEOPLE)]
    made = [await box.revenge.accounts.create_admin(Actor.host(), new, PASSWORD) for new in names]
    people = [Person(user.id) for user in made]
    for deed, number in steps:
        person = people[number]
        is_last = [one for one in people if one.administers] == [person]
        refused: type[RevengeError] | None = None
        try:
            await do(box, deed, person.user_id)
        except RevengeError as error:
            refused = type(error)
        assert refused is person.refusal(deed, is_last=is_last), deed
        if refused is None:
            for one in people if deed == "purge" else [person]:
                one.undergo(deed)
        living = {user.id for user in box.rows.users.values() if user.is_active and user.deleted_at is None}
        enabled = living & {holder for holder, role, _ in box.rows.grants if role == "admin"}
        assert enabled == {one.user_id for one in people if one.administers and not one.is_erased}
        assert enabled


@given(STEPS)
def test_somebody_can_always_administer_the_server(steps: list[tuple[str, int]]) -> None:
    asyncio.run(play(steps))
