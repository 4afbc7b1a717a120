"""Use cases of mail."""

from revenge_core.mail.service.mail import Mail
from revenge_core.mail.service.notices import Notices

__all__ = ["Mail", "Notices"]
