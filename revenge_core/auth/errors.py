"""What signing in refuses."""

from revenge_core.errors import Invalid, RevengeError, Unauthenticated, Unavailable


class CredentialsInvalid(Unauthenticated):
    """Unknown user, wrong password or disabled account: the same answer for all (decisions I7)."""

    code = "credentials_invalid"
    title = "User name or password is wrong"


class AccessTokenInvalid(Unauthenticated):
    """The access token is malformed, expired, or not signed by this server."""

    code = "access_token_invalid"
    title = "This access token is not valid or has expired; refresh it or sign in again"


class PasswordRefused(Invalid):
    """A new account or password breaks a rule; `problems` names each."""

    code = "password_refused"
    title = "The password cannot be used; see errors for what to change"


class AccountInvalid(Invalid):
    """The data for a new account breaks rules; `problems` names each."""

    code = "account_invalid"
    title = "The account cannot be made like this; see errors for each field"


class OldPasswordWrong(Invalid):
    """The present password, asked for before changing it, is wrong (ASVS 6.2.3)."""

    code = "old_password_wrong"
    title = "The present password is wrong; nothing was changed"


class TokenInvalid(Invalid):
    """A one-time token is unknown, used, expired or replaced: which of them is not told (rulings R11)."""

    code = "token_invalid"
    title = "This token is not valid; it may have been used, replaced, or be too old"


class HasherBusy(Unavailable):
    """Every password worker is busy and the queue is full (decisions I2)."""

    code = "hasher_busy"
    title = "Too many sign-ins at this moment; try again in a second"


class MasterSecretMismatch(RevengeError):
    """The server's secret is not the one with which this database's keys were wrapped (rulings R21)."""

    code = "master_secret_mismatch"
    title = "The master secret does not belong to this database"
