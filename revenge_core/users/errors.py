"""What accounts refuse their owners and others."""

from revenge_core.errors import Conflict, Invalid, NotFound, RateLimited, Unavailable


class UsernameTaken(Conflict):
    """Another account has this user name, perhaps in other letters (decisions I9)."""

    code = "username_taken"
    title = "This user name is taken; choose another one"


class EmailTaken(Conflict):
    """Another account has this e-mail address."""

    code = "email_taken"
    title = "This e-mail address belongs to another account; sign in with that one or use another address"


class EmailChangeUnavailable(Conflict):
    """Changing the address needs verification by mail, which this server does not send (rulings R23)."""

    code = "email_change_unavailable"
    title = "This server sends no mail, so it cannot verify another address; an administrator can change it"


class EmailChangeTooSoon(RateLimited):
    """Another address was asked for less than a minute ago: the mailbox may be somebody else's (decisions W5)."""

    code = "email_change_too_soon"
    title = "A link was mailed a moment ago; wait a minute before asking for another address"


class UserNotFound(NotFound):
    """There is no such account, or it is none that the caller may see (decisions W2)."""

    code = "user_not_found"
    title = "There is no such account"


class TokenInvalid(Invalid):
    """A one-time token is unknown, used, expired or replaced: which of them is not told (rulings R11)."""

    code = "token_invalid"
    title = "This token is not valid; it may have been used, replaced, or be too old"


class EmailVerified(Conflict):
    """There is nothing to verify."""

    code = "email_already_verified"
    title = "This address is verified already"


class PreferencesInvalid(Invalid):
    """Preferences break a rule; `problems` names each."""

    code = "preferences_invalid"
    title = "The preferences are not valid; see errors for each field"


class PictureInvalid(Invalid):
    """What was uploaded is no picture that can be shown: `problems` says why (ASVS 5.2.2)."""

    code = "picture_invalid"
    title = "This file cannot be used as a picture; see errors for why"


class PicturesBusy(Unavailable):
    """Too many pictures are being drawn at this moment."""

    code = "pictures_busy"
    title = "Too many pictures at this moment; try again in a few seconds"


class AvatarNotFound(NotFound):
    """The account has no picture."""

    code = "avatar_not_found"
    title = "There is no picture"


class UserInvalid(Invalid):
    """Fields of an account break a rule; `problems` names each."""

    code = "user_invalid"
    title = "The account's data is not valid; see errors for each field"
