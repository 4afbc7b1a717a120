import base64
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from revenge_adapters.memory.tokens import PlainAccessTokens
from revenge_adapters.tokens_joserfc import JoserfcAccessTokens
from revenge_core.auth.entities import AuthRules
from revenge_core.auth.ports import AccessTokens
from revenge_core.ids import SessionId, UserId
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.tokens import AccessTokensContract, MakeTokens


class TestPlainAccessTokens(AccessTokensContract):
    @pytest.fixture
    def make_tokens(self) -> MakeTokens:
        def make(master_secret: Secret, rules: AuthRules) -> AccessTokens:
            return PlainAccessTokens(rules, master_secret=master_secret)

        return make


class TestJoserfcAccessTokens(AccessTokensContract):
    @pytest.fixture
    def make_tokens(self) -> MakeTokens:
        def make(master_secret: Secret, rules: AuthRules) -> AccessTokens:
            return JoserfcAccessTokens(master_secret, rules, issuer="https://films.example.org")

        return make

    def test_defect_29_times_in_a_token_are_seconds_as_every_library_reads_them(self, tokens: AccessTokens) -> None:
        now = datetime(2026, 2, 14, 10, tzinfo=UTC)
        token = tokens.issue(UserId(UUID(int=1)), SessionId(UUID(int=2)), token_id="a", now=now).reveal()
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert claims["iat"] == now.timestamp()
        assert 60 <= claims["exp"] - claims["iat"] <= 3600
