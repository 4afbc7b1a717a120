"""Access tokens that almost fit: good in all but one respect, and refused for it (ASVS chapter 9)."""

import base64
import json
from typing import Any, Final

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from revenge_adapters import tokens_joserfc
from revenge_adapters.tokens_joserfc import JoserfcAccessTokens
from revenge_core.auth.entities import AuthRules, SigningKey
from revenge_core.auth.errors import AccessTokenInvalid
from revenge_core.ids import SessionId, UserId
from revenge_core.secrets import Secret
from revenge_core.testing.builders import NOW, an_id

ISSUER: Final = "https://films.example.org"
MASTER: Final = Secret("the master secret of this server!")


def server(issuer: str = ISSUER) -> JoserfcAccessTokens:
    return JoserfcAccessTokens(MASTER, AuthRules(), issuer=issuer)


@pytest.fixture
def key() -> SigningKey:
    return server().new_key("first", now=NOW)


@pytest.fixture
def tokens(key: SigningKey) -> JoserfcAccessTokens:
    ours = server()
    ours.load((key,))
    return ours


def issue(tokens: JoserfcAccessTokens) -> str:
    return tokens.issue(UserId(an_id()), SessionId(an_id()), token_id="1", now=NOW).reveal()


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refuses(tokens: JoserfcAccessTokens, token: str) -> None:
    with pytest.raises(AccessTokenInvalid):
        tokens.verify(token, now=NOW)


@pytest.mark.asvs("9.1.2")
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "hs256", "HS384", "RS256", "ES256", "", None], ids=repr)
@pytest.mark.parametrize("keeps_signature", [True, False])
def test_no_token_chooses_its_algorithm(
    tokens: JoserfcAccessTokens, algorithm: str | None, keeps_signature: bool
) -> None:
    good = issue(tokens)
    _, claims, signature = good.split(".")
    header = encoded({**part(good, 0), "alg": algorithm})
    refuses(tokens, f"{header}.{claims}.{signature if keeps_signature else ''}")


@pytest.mark.asvs("9.1.2")
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_our_own_key_used_with_another_algorithm_signs_nothing(
    tokens: JoserfcAccessTokens, key: SigningKey, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(tokens_joserfc, "ALGORITHM", algorithm)
        other = server()
        other.load((key,))
        token = issue(other)
    assert part(token, 0)["alg"] == algorithm
    refuses(tokens, token)


@pytest.mark.asvs("9.1.3")
@pytest.mark.parametrize(
    "named",
    [
        {"jku": "https://evil.example.org/keys.json"},
        {"x5u": "https://evil.example.org/chain.pem"},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
        {"kid": "../../dev/null"},
        {},
    ],
    ids=str,
)
def test_a_key_that_comes_with_a_token_verifies_nothing(tokens: JoserfcAccessTokens, named: dict[str, Any]) -> None:
    good = issue(tokens)
    theirs = OctKey.import_key("a key that strangers have made for themselves")
    header = {**part(good, 0), **named}
    if "jwk" in named:
        header["jwk"] = theirs.as_dict(private=True)
    forged = jwt.encode({"alg": "HS256"}, part(good, 1), theirs).split(".")
    refuses(tokens, f"{encoded(header)}.{forged[1]}.{forged[2]}")


@pytest.mark.asvs("9.1.2", "9.1.3")
def test_a_token_of_a_public_key_is_not_ours(tokens: JoserfcAccessTokens) -> None:
    good = issue(tokens)
    header = {**part(good, 0), "alg": "ES256"}
    refuses(tokens, jwt.encode(header, part(good, 1), ECKey.generate_key("P-256")))


@pytest.mark.asvs("9.2.2")
@pytest.mark.parametrize("type_", ["JWT", "rt+jwt", "logout+jwt", "AT+JWT", ""])
def test_a_token_of_another_type_is_refused_though_our_key_signed_it(
    tokens: JoserfcAccessTokens, type_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(tokens_joserfc, "TYPE", type_)
        token = issue(tokens)
    assert part(token, 0)["typ"] == type_
    refuses(tokens, token)


@pytest.mark.asvs("9.2.3", "10.3.1")
@pytest.mark.parametrize("audience", ["revenge-admin", "REVENGE", "", "https://films.example.org"])
def test_a_token_for_another_service_is_refused_though_our_key_signed_it(
    tokens: JoserfcAccessTokens, audience: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(tokens_joserfc, "AUDIENCE", audience)
        token = issue(tokens)
    assert part(token, 1)["aud"] == audience
    refuses(tokens, token)


@pytest.mark.asvs("9.2.3", "10.3.1", "10.3.3")
def test_a_token_of_another_issuer_is_refused_though_it_has_our_key(
    tokens: JoserfcAccessTokens, key: SigningKey
) -> None:
    other = server("https://music.example.org")
    other.load((key,))
    refuses(tokens, issue(other))


@pytest.mark.asvs("9.2.4")
def test_a_token_says_by_whom_and_for_whom_it_is(tokens: JoserfcAccessTokens) -> None:
    claims = part(issue(tokens), 1)
    assert (claims["iss"], claims["aud"]) == (ISSUER, "revenge")
