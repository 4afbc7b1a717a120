"""Getting an account of one's own, and leaving it."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from revenge_core.accounts.entities import Invitation
from revenge_core.accounts.errors import AccountInvalid, RegistrationClosed
from revenge_core.auth.errors import HasherBusy
from revenge_core.errors import ReauthRequired
from revenge_core.limits.entities import Tier
from revenge_core.rbac.entities import ADMIN
from revenge_core.rbac.errors import LastAdmin
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser
from revenge_core.users.errors import EmailTaken, TokenInvalid, UsernameTaken
from revenge_http.access import public, signed_in
from revenge_http.auth import NewPassword
from revenge_http.operations import Call, operation
from revenge_http.repeats import Repeats
from revenge_http.users import DisplayName, Email, User
from revenge_http.wire import Timestamp, Wire, given, present

Username = Annotated[str, Meta(extra_json_schema={"minLength": 3, "maxLength": 30, "pattern": "^[a-zA-Z0-9_-]+$"})]


class NewAccount(Wire, kw_only=True):
    """Who wants an account."""

    username: Username
    email: Email
    password: NewPassword
    display_name: DisplayName | UnsetType = UNSET

    def new_user(self) -> NewUser:
        """The account to be made, without its password."""
        return NewUser(username=self.username, email=self.email, display_name=given(self.display_name))


class RegisterRequest(NewAccount, kw_only=True):
    """Who wants an account, and the token of the invitation, if there is one."""

    invitation: Secret | UnsetType = UNSET


class BootstrapRequest(NewAccount, kw_only=True):
    """Who wants to be the first admin, and the token that the server printed."""

    token: Secret


class InvitationToken(Wire, kw_only=True):
    """The token that stands in the link of an invitation."""

    token: Secret


class InvitationOffer(Wire, kw_only=True):
    """What somebody is invited to. `email`, where it is there, is the only address that will do."""

    role: str
    email: Email | UnsetType = UNSET
    expires_at: Timestamp

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationOffer":
        """What whoever has the token may know."""
        return cls(role=invitation.role, email=present(invitation.email), expires_at=invitation.expires_at)


_TAKEN = (AccountInvalid, UsernameTaken, EmailTaken, HasherBusy)


@operation(
    "POST",
    "/api/v1/auth/bootstrap",
    "bootstrap",
    public(),
    status=201,
    raises=(TokenInvalid, *_TAKEN),
    tier=Tier.LOGIN,
    repeats=Repeats.ANSWER,
)
async def bootstrap(call: Call, body: BootstrapRequest) -> User:
    """Make the first admin, with the one-time token that the server printed at its start."""
    user = await call.revenge.accounts.bootstrap(body.token, body.new_user(), body.password, call.actor.origin)
    return User.of(user, is_admin=True)


@operation(
    "POST",
    "/api/v1/auth/register",
    "register",
    public(),
    status=201,
    raises=(RegistrationClosed, TokenInvalid, *_TAKEN),
    tier=Tier.ACCOUNT,
    repeats=Repeats.ANSWER,
)
async def register(call: Call, body: RegisterRequest) -> User:
    """Get an account; where registration is not open, with an invitation."""
    made = await call.revenge.accounts.register(
        body.new_user(), body.password, call.actor.origin, invitation=given(body.invitation)
    )
    return User.of(made.user, is_admin=ADMIN in made.roles)


@operation("POST", "/api/v1/auth/invitation", "lookAtInvitation", public(), raises=(TokenInvalid,), tier=Tier.ACCOUNT)
async def look_at_invitation(call: Call, body: InvitationToken) -> InvitationOffer:
    """What an invitation is for, for whoever has its token; looking does not use it."""
    return InvitationOffer.of(await call.revenge.invitations.look(body.token))


@operation("DELETE", "/api/v1/users/me", "deleteCurrentUser", signed_in(keys=False), raises=(ReauthRequired, LastAdmin))
async def delete_me(call: Call) -> None:
    """Delete one's own account; it is kept for some time, and whoever signs in until then has it back."""
    await call.revenge.accounts.delete_me(call.actor)
    call.cookies.clear()


operations = (bootstrap, register, look_at_invitation, delete_me)
