"""`/auth`: signing in, staying signed in, signing out."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from revenge_core.auth.entities import Proof, SignedIn, TokenPair
from revenge_core.auth.errors import (
    CredentialsInvalid,
    EmailUnverified,
    HasherBusy,
    OldPasswordWrong,
    PasswordRefused,
    ProofWrong,
    TooManyAttempts,
)
from revenge_core.errors import FieldProblem
from revenge_core.limits.entities import Tier
from revenge_core.rbac.entities import ADMIN
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import ClientType
from revenge_core.sessions.errors import RefreshTokenInvalid
from revenge_http.access import public, signed_in
from revenge_http.errors import CsrfFailed, RequestInvalid
from revenge_http.operations import Call, operation
from revenge_http.users import User
from revenge_http.wire import Timestamp, Wire, given, present

NewPassword = Annotated[Secret, Meta(extra_json_schema={"minLength": 8})]
DeviceName = Annotated[str, Meta(max_length=100)]


class LoginRequest(Wire, kw_only=True):
    """Who signs in, on what: `username` may be the e-mail address; `client_type` decides how long it lasts.

    `device_token` is what the answer to an earlier sign-in of this user here gave out: known devices wait for nobody.
    """

    username: str
    password: Secret
    device_name: DeviceName | UnsetType = UNSET
    client_type: ClientType | UnsetType = UNSET
    device_token: Secret | UnsetType = UNSET


class LoginResponse(Wire, kw_only=True):
    """Who signed in, and the tokens to keep. `expires_in` is the access token's life in seconds.

    `device_token` comes where the device was not known; it is sent with the next sign-in of this user, and outlives
    sessions. `restored` says that this sign-in called off the account's deletion.
    """

    user: User
    access_token: Secret
    refresh_token: Secret
    expires_in: int
    device_token: Secret | UnsetType = UNSET
    restored: bool | UnsetType = UNSET

    @classmethod
    def of(cls, signed: SignedIn, prefix: str) -> "LoginResponse":
        """The answer to a sign-in."""
        return cls(
            user=User.of(signed.user, is_admin=ADMIN in signed.roles, prefix=prefix),
            access_token=signed.tokens.access_token,
            refresh_token=signed.tokens.refresh_token,
            expires_in=signed.tokens.expires_in,
            device_token=present(signed.device_token),
            restored=signed.restored or UNSET,
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


class ReauthenticateRequest(Wire, kw_only=True):
    """The password of whoever is signed in."""

    password: Secret


class ReauthenticateResponse(Wire, kw_only=True):
    """Another access token for the same session, and until when the proof counts as recent."""

    access_token: Secret
    expires_in: int
    reauth_expires_at: Timestamp

    @classmethod
    def of(cls, proof: Proof) -> "ReauthenticateResponse":
        """The answer to a proof."""
        return cls(access_token=proof.access_token, expires_in=proof.expires_in, reauth_expires_at=proof.proven_until)


@operation(
    "POST",
    "/api/v1/auth/login",
    "login",
    public(),
    tier=Tier.LOGIN,
    raises=(CredentialsInvalid, EmailUnverified, TooManyAttempts, HasherBusy),
)
async def login(call: Call, body: LoginRequest) -> LoginResponse:
    """Sign in with a user name or an e-mail address, and a password."""
    device_name, client_type = given(body.device_name) or None, given(body.client_type)
    device_token = given(body.device_token) or call.cookies.device_token
    signed = await call.revenge.auth.login(
        body.username,
        body.password,
        call.actor.origin,
        device_name=device_name,
        client_type=client_type,
        device_token=device_token,
    )
    call.cookies.keep(signed.tokens, signed.device_token or device_token)
    return LoginResponse.of(signed, call.prefix)


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
refresh_auth = operation(
    "POST", "/api/v1/auth/refresh", "refreshToken", public(), tier=Tier.REFRESH, raises=_no_refresh
)(_refresh)
refresh_session = operation(
    "POST", "/api/v1/sessions/refresh", "refreshSession", public(), tier=Tier.REFRESH, raises=_no_refresh
)(_refresh)


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
    tier=Tier.LOGIN,
    raises=(OldPasswordWrong, PasswordRefused, TooManyAttempts, HasherBusy),
)
async def change_password(call: Call, body: ChangePasswordRequest) -> None:
    """Replace one's password; every other session of one's own ends, this one goes on."""
    await call.revenge.auth.change_password(call.actor, body.old_password, body.new_password)


@operation(
    "POST",
    "/api/v1/auth/reauthenticate",
    "reauthenticate",
    signed_in(keys=False),
    tier=Tier.LOGIN,
    raises=(ProofWrong, TooManyAttempts, HasherBusy),
)
async def reauthenticate(call: Call, body: ReauthenticateRequest) -> ReauthenticateResponse:
    """Prove once more who one is, for what asks for a recent proof. The session goes on, also where it fails."""
    return ReauthenticateResponse.of(await call.revenge.auth.reauthenticate(call.actor, body.password))


operations = (login, refresh_auth, refresh_session, logout, change_password, reauthenticate)
