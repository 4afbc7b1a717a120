"""Signing in."""

from revenge_core.auth.entities import AuthRules, SignedIn, TokenPair
from revenge_core.auth.service import Auth

__all__ = ["Auth", "AuthRules", "SignedIn", "TokenPair"]
