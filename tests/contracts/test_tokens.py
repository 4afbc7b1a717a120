import pytest

from revenge_adapters.memory.tokens import PlainAccessTokens
from revenge_adapters.tokens_joserfc import JoserfcAccessTokens
from revenge_core.auth.entities import AuthRules
from revenge_core.auth.ports import AccessTokens
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
