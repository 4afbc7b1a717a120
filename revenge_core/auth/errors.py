"""What signing in refuses."""

from revenge_core.errors import Forbidden, Invalid, RateLimited, RevengeError, Unauthenticated, Unavailable


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


class OldPasswordWrong(Invalid):
    """The present password, asked for before changing it, is wrong (ASVS 6.2.3)."""

    code = "old_password_wrong"
    title = "The present password is wrong; nothing was changed"


class ProofWrong(Forbidden):
    """Who wanted to prove once more who they are gave a wrong password: their session goes on (rulings R11)."""

    code = "proof_wrong"
    title = "The password is wrong; you stay signed in, but this cannot be done"


class EmailUnverified(Forbidden):
    """The password is right, but the server wants the address verified first; the mail was sent again."""

    code = "email_unverified"
    title = "Verify your e-mail address first: a mail with a link is on its way"


class TooManyAttempts(RateLimited):
    """So many sign-ins failed that the next has to wait; known devices need not (decisions I7, rulings R19)."""

    code = "too_many_attempts"
    title = "Too many attempts; wait before the next one"


class HasherBusy(Unavailable):
    """Every password worker is busy and the queue is full (decisions I2)."""

    code = "hasher_busy"
    title = "Too many sign-ins at this moment; try again in a second"


class MasterSecretMismatch(RevengeError):
    """The server's secret is not the one with which this database's keys were wrapped (rulings R21)."""

    code = "master_secret_mismatch"
    title = "The master secret does not belong to this database"
