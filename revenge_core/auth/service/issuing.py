"""Tokens for a session that was made or renewed."""

from datetime import datetime

from revenge_core.auth.entities import AuthRules, TokenPair
from revenge_core.auth.ports import AccessTokens
from revenge_core.ids import Ids, SessionId, UserId
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import Session


class Issuer:
    """Issues access tokens, each with an id of its own."""

    def __init__(self, tokens: AccessTokens, ids: Ids, rules: AuthRules) -> None:
        self._tokens = tokens
        self._ids = ids
        self._rules = rules

    @property
    def expires_in(self) -> int:
        """How long an access token is good, in seconds."""
        return int(self._rules.access_token_lifetime.total_seconds())

    def access_token(self, user_id: UserId, session_id: SessionId, now: datetime) -> Secret:
        """Another access token for the session."""
        return self._tokens.issue(user_id, session_id, token_id=self._ids.new().hex, now=now)

    def pair(self, session: Session, refresh_token: Secret, now: datetime) -> TokenPair:
        """What a client keeps of the session."""
        return TokenPair(
            access_token=self.access_token(session.user_id, session.id, now),
            refresh_token=refresh_token,
            expires_in=self.expires_in,
            session_id=session.id,
            session_expires_in=int((session.expires_at - now).total_seconds()),
        )
