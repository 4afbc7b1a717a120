"""Use cases of signing in."""

from revenge_core.auth.service.auth import Auth
from revenge_core.auth.service.guessing import Guessing
from revenge_core.auth.service.passwords import Passwords
from revenge_core.auth.service.recovery import Recovery
from revenge_core.auth.service.signing_keys import SigningKeys

__all__ = ["Auth", "Guessing", "Passwords", "Recovery", "SigningKeys"]
