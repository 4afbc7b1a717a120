"""`/auth`: getting an account, signing in, staying signed in, signing out."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from revenge_core.accounts.errors import AccountInvalid
from revenge_core.auth.entities import SignedIn, TokenPair
from revenge_core.auth.errors import (
    CredentialsInvalid,
    HasherBusy,
    OldPasswordWrong,
    PasswordRefused,
)
from revenge_core.errors import FieldProblem
from revenge_core.rbac.entities import ADMIN
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import ClientType
from revenge_core.sessions.errors import RefreshTokenInvalid
from revenge_core.users.entities import NewUser
from revenge_core.users.errors import EmailTaken, TokenInvalid, UsernameTaken
from revenge_http.access import public, signed_in
from revenge_http.errors import CsrfFailed, RequestInvalid
from revenge_http.operations import Call, operation
from revenge_http.users import DisplayName, Email, User
from revenge_http.wire import Wire, given

Username = Annotated[str, Meta(extra_json_schema={"minLength": 3, "maxLength": 30, "pattern": "^[a-zA-Z0-9_-]+$"})]
NewPassword = Annotated[Secret, Meta(extra_json_schema={"minLength": 8})]
DeviceName = Annotated[str, Meta(max_length=100)]


class RegisterRequest(Wire, kw_only=True):
    """Who wants an account."""

    username: Username
    email: Email
    password: NewPassword
    display_name: DisplayName | UnsetType = UNSET

    def new_user(self) -> NewUser:
        """The account to be made, without its password."""
        return NewUser(username=self.username, email=self.email, display_name=given(self.display_name))


class BootstrapRequest(RegisterRequest, kw_only=True):
    """Who wants to be the first admin, and the token that the server printed."""

    token: Secret


class LoginRequest(Wire, kw_only=True):
    """Who signs in, on what: `username` may be the e-mail address; `client_type` decides how long it lasts."""

    username: str
    password: Secret
    device_name: DeviceName | UnsetType = UNSET
    client_type: ClientType | UnsetType = UNSET


class LoginResponse(Wire, kw_only=True):
    """Who signed in, and the tokens to keep. `expires_in` is the access token's life in seconds."""

    user: User
    access_token: Secret
    refresh_token: Secret
    expires_in: int

    @classmethod
    def of(cls, signed: SignedIn) -> "LoginResponse":
        """The answer to a sign-in."""
        return cls(
            user=User.of(signed.user, is_admin=ADMIN in signed.roles),
            access_token=signed.tokens.access_token,
            refresh_token=signed.tokens.refresh_token,
            expires_in=signed.tokens.expires_in,
        )


class RefreshRequest(Wire, kw_only=True):
    """The refresh token of the latest answer; a browser in cookie mode leaves it out."""

    refresh_token: Secret | UnsetType = UNSET


class RefreshResponse(Wire, kw_only=True):
    """The next pair; the refresh token that was sent is used up."""

    access_token: Secret
    refresh_token: Secret
    expires_in: int

    @classmethod
    def of(cls, pair: TokenPair) -> "RefreshResponse":
        """The answer to a refresh."""
        return cls(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)


class LogoutRequest(Wire, kw_only=True):
    """What else to end: the session of a refresh token, or all of one's sessions."""

    refresh_token: Secret | UnsetType = UNSET
    logout_all: bool = False


class ChangePasswordRequest(Wire, kw_only=True):
    """The present password, and the one to use from now on."""

    old_password: Secret
    new_password: NewPassword


_TAKEN = (AccountInvalid, UsernameTaken, EmailTaken, HasherBusy)


@operation("POST", "/api/v1/auth/bootstrap", "bootstrap", public(), status=201, raises=(TokenInvalid, *_TAKEN))
async def bootstrap(call: Call, body: BootstrapRequest) -> User:
    """Make the first admin, with the one-time token that the server printed at its start."""
    user = await call.revenge.accounts.bootstrap(body.token, body.new_user(), body.password, call.actor.origin)
    return User.of(user, is_admin=True)


@operation("POST", "/api/v1/auth/register", "register", public(), status=201, raises=_TAKEN)
async def register(call: Call, body: RegisterRequest) -> User:
    """Get an account."""
    user = await call.revenge.accounts.register(body.new_user(), body.password, call.actor.origin)
    return User.of(user, is_admin=False)


@operation("POST", "/api/v1/auth/login", "login", public(), raises=(CredentialsInvalid, HasherBusy))
async def login(call: Call, body: LoginRequest) -> LoginResponse:
    """Sign in with a user name or an e-mail address, and a password."""
    device_name, client_type = given(body.device_name) or None, given(body.client_type)
    signed = await call.revenge.auth.login(
        body.username, body.password, call.actor.origin, device_name=device_name, client_type=client_type
    )
    call.cookies.keep(signed.tokens, signed.device_token)
    return LoginResponse.of(signed)


async def _refresh(call: Call, body: RefreshRequest | None) -> RefreshResponse:
    """Exchange a refresh token for a new pair of tokens; it can be used once."""
    token = given(body.refresh_token) if body else None
    pair = await (_refreshed_by_cookie(call) if token is None else call.revenge.auth.refresh(token, call.actor.origin))
    call.cookies.keep(pair)
    return RefreshResponse.of(pair)


async def _refreshed_by_cookie(call: Call) -> TokenPair:
    """The next pair of a browser, which sent nothing in the body.

    Raises:
        RequestInvalid: it sent no cookie either.
        CsrfFailed: nothing shows that a page of ours sent it.
        RefreshTokenInvalid: the token is no good any more; the browser is told to forget it.
    """
    token, auth = call.cookies.refresh_token, call.revenge.auth
    if token is None:
        raise RequestInvalid(problems=[FieldProblem(pointer="/refresh_token", detail="is required")])
    if (session_id := await auth.session_of(token)) is not None:
        call.cookies.check(session_id)
    try:
        return await auth.refresh(token, call.actor.origin)
    except RefreshTokenInvalid:
        call.cookies.clear()
        raise


_no_refresh = (RefreshTokenInvalid, CsrfFailed)
refresh_auth = operation("POST", "/api/v1/auth/refresh", "refreshToken", public(), raises=_no_refresh)(_refresh)
refresh_session = operation("POST", "/api/v1/sessions/refresh", "refreshSession", public(), raises=_no_refresh)(
    _refresh
)


@operation("POST", "/api/v1/auth/logout", "logout", signed_in(keys=False))
async def logout(call: Call, body: LogoutRequest | None) -> None:
    """Sign out; without a body, this session alone."""
    asked = body or LogoutRequest()
    await call.revenge.auth.logout(call.actor, given(asked.refresh_token), everywhere=asked.logout_all)
    call.cookies.clear()


@operation(
    "POST",
    "/api/v1/auth/change-password",
    "changePassword",
    signed_in(keys=False),
    raises=(OldPasswordWrong, PasswordRefused, HasherBusy),
)
async def change_password(call: Call, body: ChangePasswordRequest) -> None:
    """Replace one's password; every other session of one's own ends, this one goes on."""
    await call.revenge.auth.change_password(call.actor, body.old_password, body.new_password)


operations = (bootstrap, register, login, refresh_auth, refresh_session, logout, change_password)
