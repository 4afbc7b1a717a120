"""People in the stories, and what they do in every second one."""

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action, Entry, Outcome
from revenge_core.actor import NOWHERE, Actor, Origin
from revenge_core.auth.entities import SignedIn
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser, User

PASSWORD = Secret("a quiet evening")
OTHER_PASSWORD = Secret("a louder morning")
KITCHEN = Origin(address="192.0.2.7", user_agent="Mozilla/5.0 (X11; Linux x86_64)", request_id="kitchen-1")
SOFA = Origin(address="2001:db8::9", user_agent="Film Club/1.0 (iPhone)", request_id="sofa-1")


def new_user(name: str = "ada") -> NewUser:
    return NewUser(username=name, email=f"{name}@example.org")


async def register(box: Sandbox, name: str = "ada") -> User:
    return (await box.revenge.accounts.register(new_user(name), PASSWORD)).user


async def sign_in(box: Sandbox, name: str = "ada", origin: Origin = NOWHERE) -> SignedIn:
    return await box.revenge.auth.login(name, PASSWORD, origin)


async def join(box: Sandbox, name: str = "ada") -> SignedIn:
    """Register and sign in."""
    await register(box, name)
    return await sign_in(box, name)


async def act(box: Sandbox, signed_in: SignedIn, origin: Origin = NOWHERE) -> Actor:
    """The actor behind the access token of a sign-in."""
    return await box.revenge.auth.authenticate(signed_in.tokens.access_token.reveal(), origin)


async def is_signed_in(box: Sandbox, signed_in: SignedIn) -> bool:
    """Whether the session is live, by the list that its owner sees."""
    live = await box.revenge.sessions.list(Actor.host(), signed_in.user.id)
    return signed_in.session.id in {session.id for session in live}


async def admin(box: Sandbox, name: str = "root") -> Actor:
    await box.revenge.accounts.create_admin(Actor.host(), new_user(name), PASSWORD)
    return await act(box, await sign_in(box, name))


def entries(box: Sandbox, action: Action, outcome: Outcome | None = None) -> list[Entry]:
    """What the audit log holds of this kind, oldest first."""
    log = box.rows.activity.values()
    return [entry for entry in log if entry.action is action and outcome in {None, entry.outcome}]


def last_entry(box: Sandbox) -> Entry:
    return list(box.rows.activity.values())[-1]
