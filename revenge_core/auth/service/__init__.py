"""Use cases of signing in."""

from revenge_core.auth.service.auth import Auth
from revenge_core.auth.service.guessing import Guessing
from revenge_core.auth.service.issuing import Issuer
from revenge_core.auth.service.news import News
from revenge_core.auth.service.passwords import Passwords
from revenge_core.auth.service.proofs import Proofs
from revenge_core.auth.service.recovery import Recovery
from revenge_core.auth.service.signing_keys import SigningKeys
from revenge_core.auth.service.tries import Tries

__all__ = ["Auth", "Guessing", "Issuer", "News", "Passwords", "Proofs", "Recovery", "SigningKeys", "Tries"]
