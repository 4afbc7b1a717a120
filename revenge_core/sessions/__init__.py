"""Sessions."""

from revenge_core.sessions.entities import ClientType, Lifetime, Session, SessionRules
from revenge_core.sessions.service import Sessions

__all__ = ["ClientType", "Lifetime", "Session", "SessionRules", "Sessions"]
