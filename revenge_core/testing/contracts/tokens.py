"""What everything that signs and checks access tokens owes."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from revenge_core.auth.entities import AuthRules
from revenge_core.auth.errors import AccessTokenInvalid, MasterSecretMismatch
from revenge_core.auth.ports import AccessTokens
from revenge_core.ids import SessionId, UserId
from revenge_core.secrets import Secret
from revenge_core.testing.builders import NOW, an_id
from revenge_core.testing.contracts.world import Contract

MakeTokens: TypeAlias = Callable[[Secret, AuthRules], AccessTokens]

LIFE = timedelta(minutes=5)
RULES = AuthRules(access_token_lifetime=LIFE)
OURS, THEIRS = Secret("the master secret of this server!"), Secret("the master secret of another one")
SECOND = timedelta(seconds=1)


def issue(tokens: AccessTokens, user_id: UserId | None = None) -> str:
    """A token of somebody, as it is sent."""
    return tokens.issue(user_id or UserId(an_id()), SessionId(an_id()), token_id=an_id().hex, now=NOW).reveal()


class AccessTokensContract(Contract):
    """Fixture: `make_tokens(master_secret, rules)` makes an adapter that has no key yet."""

    @pytest.fixture
    def tokens(self, make_tokens: MakeTokens) -> AccessTokens:
        """The adapter with one key loaded."""
        tokens = make_tokens(OURS, RULES)
        tokens.load((tokens.new_key("first", now=NOW),))
        return tokens

    @pytest.mark.asvs("10.3.3")
    def test_a_token_says_who_for_which_session_and_how_long(self, tokens: AccessTokens) -> None:
        user_id, session_id = UserId(an_id()), SessionId(an_id())
        token = tokens.issue(user_id, session_id, token_id="1", now=NOW)  # noqa: S106 - its number
        claims = tokens.verify(token.reveal(), now=NOW)
        assert (claims.user_id, claims.session_id) == (user_id, session_id)
        assert abs(claims.expires_at - (NOW + LIFE).timestamp()) <= 1

    @pytest.mark.asvs("9.2.1")
    def test_a_token_is_good_for_its_life(self, tokens: AccessTokens) -> None:
        token = issue(tokens)
        tokens.verify(token, now=NOW + LIFE - SECOND)
        for late in (LIFE + SECOND, timedelta(days=10_000)):
            with pytest.raises(AccessTokenInvalid):
                tokens.verify(token, now=NOW + late)

    def test_two_tokens_of_the_same_session_differ_by_their_ids(self, tokens: AccessTokens) -> None:
        user_id, session_id = UserId(an_id()), SessionId(an_id())
        made = {tokens.issue(user_id, session_id, token_id=str(n), now=NOW).reveal() for n in range(3)}
        assert len(made) == 3

    @pytest.mark.asvs("9.1.1")
    def test_a_token_changed_anywhere_is_refused(self, tokens: AccessTokens) -> None:
        token = issue(tokens)
        # The last character of a part may carry bits that mean nothing, so another one may be the same token.
        inner = [at for at in range(len(token) - 1) if "." not in token[at : at + 2]]
        for at in inner:
            changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
            with pytest.raises(AccessTokenInvalid):
                tokens.verify(changed, now=NOW)

    def test_parts_of_two_tokens_make_no_third(self, tokens: AccessTokens) -> None:
        mine, theirs = issue(tokens).split("."), issue(tokens).split(".")
        for part in range(len(mine)):
            mixed = [*mine]
            mixed[part] = theirs[part]
            if mixed not in (mine, theirs):
                with pytest.raises(AccessTokenInvalid):
                    tokens.verify(".".join(mixed), now=NOW)

    @pytest.mark.parametrize("garbage", ["", ".", "..", "...", "a.b.c", "é.é.é", "\ud800.x.y", "null", "x" * 10_000])
    def test_what_is_no_token_is_refused(self, tokens: AccessTokens, garbage: str) -> None:
        assert tokens.knows_key_of(garbage)  # nothing to fetch for it
        with pytest.raises(AccessTokenInvalid):
            tokens.verify(garbage, now=NOW)

    def test_a_token_cut_short_or_drawn_out_is_refused(self, tokens: AccessTokens) -> None:
        token = issue(tokens)
        for wrong in (token[:-4], token + ".x", "x." + token, token.rpartition(".")[0], token.rpartition(".")[0] + "."):
            with pytest.raises(AccessTokenInvalid):
                tokens.verify(wrong, now=NOW)

    def test_keys_are_random(self, tokens: AccessTokens) -> None:
        assert tokens.new_key("same", now=NOW).wrapped != tokens.new_key("same", now=NOW).wrapped

    def test_a_token_of_another_servers_key_is_refused(self, tokens: AccessTokens, make_tokens: MakeTokens) -> None:
        other = make_tokens(OURS, RULES)
        other.load((other.new_key("first", now=NOW),))
        with pytest.raises(AccessTokenInvalid):
            tokens.verify(issue(other), now=NOW)

    def test_a_key_that_is_not_loaded_is_not_known(self, tokens: AccessTokens, make_tokens: MakeTokens) -> None:
        newer = make_tokens(OURS, RULES)
        key = tokens.new_key("second", now=NOW + SECOND)
        newer.load((key,))
        token = issue(newer)
        assert not tokens.knows_key_of(token)
        with pytest.raises(AccessTokenInvalid):
            tokens.verify(token, now=NOW)
        tokens.load((key,))
        assert tokens.knows_key_of(token)
        tokens.verify(token, now=NOW)

    def test_two_processes_with_the_same_keys_trust_each_other(self, make_tokens: MakeTokens) -> None:
        one, other = make_tokens(OURS, RULES), make_tokens(OURS, RULES)
        keys = (one.new_key("first", now=NOW),)
        one.load(keys)
        other.load(keys)
        other.verify(issue(one), now=NOW)

    def test_the_newest_key_signs_and_the_retired_one_still_verifies(self, make_tokens: MakeTokens) -> None:
        tokens = make_tokens(OURS, RULES)
        first = tokens.new_key("first", now=NOW - SECOND)
        second = tokens.new_key("second", now=NOW)
        tokens.load((first,))
        before = issue(tokens)
        tokens.load((replace(first, retired_at=NOW), second))
        after = issue(tokens)
        tokens.verify(before, now=NOW + LIFE - SECOND)
        tokens.verify(after, now=NOW + LIFE - SECOND)
        only_second = make_tokens(OURS, RULES)
        only_second.load((second,))
        only_second.verify(after, now=NOW)
        with pytest.raises(AccessTokenInvalid):
            only_second.verify(before, now=NOW)

    def test_a_key_that_is_gone_verifies_nothing(self, tokens: AccessTokens) -> None:
        token = issue(tokens)
        tokens.load((tokens.new_key("second", now=NOW),))
        assert not tokens.knows_key_of(token)
        with pytest.raises(AccessTokenInvalid):
            tokens.verify(token, now=NOW)

    def test_keys_of_another_master_secret_are_refused_and_the_old_ones_stay(
        self, tokens: AccessTokens, make_tokens: MakeTokens
    ) -> None:
        token = issue(tokens)
        foreign = make_tokens(THEIRS, RULES).new_key("foreign", now=NOW)
        with pytest.raises(MasterSecretMismatch):
            tokens.load((foreign,))
        tokens.verify(token, now=NOW)
