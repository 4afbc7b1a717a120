"""`/auth`: forgotten passwords, and addresses that are to be verified. Tokens come in bodies, never in a URL."""

from revenge_core.auth.errors import HasherBusy, PasswordRefused
from revenge_core.limits.entities import Tier
from revenge_core.mail.errors import MailOff
from revenge_core.secrets import Secret
from revenge_core.users.errors import EmailTaken, EmailVerified, TokenInvalid, UserInvalid
from revenge_http.access import public, signed_in
from revenge_http.auth import NewPassword
from revenge_http.operations import Call, operation
from revenge_http.users import Email
from revenge_http.wire import Wire


class ForgotPasswordRequest(Wire, kw_only=True):
    """Where the link is to go."""

    email: Email


class ResetPasswordRequest(Wire, kw_only=True):
    """The token behind `#token=` of the link, and the password to use from now on."""

    token: Secret
    new_password: NewPassword


class VerifyEmailRequest(Wire, kw_only=True):
    """The token behind `#token=` of the link."""

    token: Secret


@operation(
    "POST", "/api/v1/auth/forgot-password", "forgotPassword", public(), raises=(UserInvalid, MailOff), tier=Tier.ACCOUNT
)
async def forgot_password(call: Call, body: ForgotPasswordRequest) -> None:
    """Have a link to set a new password mailed to an address; the answer does not say whether anybody has it."""
    await call.revenge.recovery.forgot(body.email, call.actor.origin)


@operation(
    "POST",
    "/api/v1/auth/reset-password",
    "resetPassword",
    public(),
    raises=(TokenInvalid, PasswordRefused, HasherBusy),
    tier=Tier.ACCOUNT,
)
async def reset_password(call: Call, body: ResetPasswordRequest) -> None:
    """Set a new password with the token of a link; all of the account's sessions end."""
    await call.revenge.recovery.reset(body.token, body.new_password, call.actor.origin)


@operation(
    "POST",
    "/api/v1/auth/verify-email",
    "verifyEmail",
    public(),
    raises=(TokenInvalid, EmailTaken),
    tier=Tier.ACCOUNT,
)
async def verify_email(call: Call, body: VerifyEmailRequest) -> None:
    """Verify the address that a link was mailed to; one that was pending becomes the account's."""
    await call.revenge.addresses.verify(body.token, call.actor.origin)


@operation(
    "POST",
    "/api/v1/auth/resend-verification",
    "resendVerification",
    signed_in(),
    raises=(EmailVerified, MailOff),
    tier=Tier.ACCOUNT,
)
async def resend_verification(call: Call) -> None:
    """Have the link mailed again, to the pending address if there is one; not more than once a minute."""
    await call.revenge.addresses.resend(call.actor)


operations = (forgot_password, reset_password, verify_email, resend_verification)
