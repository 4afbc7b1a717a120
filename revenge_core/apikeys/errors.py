"""What keys are refused for, and what managing them refuses."""

from revenge_core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated


class KeyInvalid(Unauthenticated):
    """No such key, or one that is good for nothing any more. Which of them is not told (decisions A4)."""

    code = "api_key_invalid"
    title = "This API key is not valid: it is unknown, was revoked, has expired, or its owner's account is not active"


class KeyAddressRefused(Forbidden):
    """The key is bound to networks, and the caller is in none of them, or nobody knows where it is."""

    code = "api_key_address"
    title = "This API key is not taken from your address"


class KeyNotFound(NotFound):
    """No such key, or not one that the caller may see."""

    code = "api_key_not_found"
    title = "There is no such API key"


class KeySpecInvalid(Invalid):
    """What a key is to be like breaks a rule."""

    code = "api_key_spec"
    title = "The API key cannot be like this"


class KeyWidened(Invalid):
    """A key can be narrowed only: what was handed out must not grow behind its owner's back (decisions A4)."""

    code = "api_key_widened"
    title = "An API key can only be given less than it has; make a new one for more"


class KeyNameTaken(Conflict):
    """Another live key of the same owner has that name, so nobody could tell them apart."""

    code = "api_key_name_taken"
    title = "You have another API key of this name"


class TooManyKeys(Conflict):
    """The user has as many live keys as one may have (decisions A4)."""

    code = "too_many_api_keys"
    title = "You have as many API keys as you may have; revoke one first"


class KeyIsOver(Conflict):
    """It was revoked, or it has expired: it can be looked at, not changed."""

    code = "api_key_over"
    title = "This API key was revoked or has expired; make a new one"
