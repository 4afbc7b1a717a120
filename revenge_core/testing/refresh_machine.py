"""A machine that plays with sessions and refresh tokens, and compares what happens with a model (rulings R16).

Tabs share sessions and hold tokens as old as they like; answers get lost; time passes; people sign in elsewhere, sign
out and change passwords; thieves present what they found. To run it on adapters of your own:

    class OurMachine(RefreshMachine):
        def open_house(self) -> AbstractAsyncContextManager[House]: ...

    TestOurMachine = OurMachine.TestCase

What is proven: presenting a token whose child was used, or more than ten seconds after its first use, ends that session
and no other, whatever was cleaned up meanwhile; nobody else is ever signed out; no number of refreshes passes the
absolute end; the store alone reveals no token that is still good.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import permutations
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from revenge_core.accounts.service import Accounts
from revenge_core.actor import Actor, ActorKind
from revenge_core.auth.entities import TokenPair
from revenge_core.auth.errors import AccessTokenInvalid
from revenge_core.auth.service import Auth
from revenge_core.ids import SessionId, UserId
from revenge_core.secrets import Secret, derive_token, digest, new_token
from revenge_core.sessions.entities import RefreshToken
from revenge_core.sessions.errors import RefreshTokenInvalid, SessionEnded
from revenge_core.sessions.jobs import SessionMaintenance
from revenge_core.sessions.policy import ENDED_KEPT
from revenge_core.sessions.service import Sessions
from revenge_core.testing.attempt import Attempt
from revenge_core.testing.refresh_model import ABSOLUTE, IDLE, MINUTE, WINDOW, Family, Model
from revenge_core.users.entities import NewUser

PEOPLE: Final[tuple[str, ...]] = ("ada", "eve")
PASSWORDS: Final = (Secret("a quiet evening"), Secret("a louder morning"))
TICK: Final = timedelta(microseconds=1)
DELAYS: Final = (TICK, WINDOW / 2, WINDOW, WINDOW + TICK, MINUTE, IDLE / 3, IDLE - TICK, IDLE, ABSOLUTE / 3)
MONTH: Final = ENDED_KEPT + TICK
RETRIES: Final = (TICK, WINDOW / 2, WINDOW, WINDOW + TICK)
ROUNDING: Final = timedelta(seconds=1)
"""Access tokens count whole seconds; nearer to their end than this, nothing is expected of them."""


@dataclass(frozen=True, kw_only=True)
class House:
    """What the machine plays with. Its services must have `refresh_model.RULES`; no other session must exist."""

    accounts: Accounts
    auth: Auth
    sessions: Sessions
    now: Callable[[], datetime]
    advance: Callable[[timedelta], object]
    stored: Callable[[], Awaitable[Sequence[RefreshToken]]]
    """Everything that the store holds of refresh tokens."""


@dataclass(eq=False)
class Tab:
    """Somebody who holds tokens of a session: the refresh token at place `at` of its chain, and an access token."""

    family: SessionId
    at: int
    access: Secret
    access_until: datetime


class RefreshMachine(RuleBasedStateMachine):
    """Subclasses say where it plays: `open_house`."""

    tabs: Bundle[Tab] = Bundle("tabs")

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._opened = self.open_house()
        self._house = self._runner.run(self._opened.__aenter__())
        self._model = Model()
        self._people: dict[str, UserId] = {}
        self._passwords: dict[str, int] = dict.fromkeys(PEOPLE, 0)

    def open_house(self) -> AbstractAsyncContextManager[House]:
        """A new and empty house."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Close the house."""
        self._runner.run(self._closed())
        self._runner.close()

    async def _closed(self) -> None:
        await self._opened.__aexit__(None, None, None)

    @initialize()
    def people_register(self) -> None:
        for name in PEOPLE:
            new = NewUser(username=name, email=f"{name}@example.org")
            self._people[name] = self._runner.run(self._house.accounts.register(new, PASSWORDS[0])).user.id

    # What people do

    @rule(target=tabs, name=st.sampled_from(PEOPLE))
    def sign_in(self, name: str) -> Tab:
        signed_in = self._runner.run(self._house.auth.login(name, PASSWORDS[self._passwords[name]]))
        session, tokens = signed_in.session, signed_in.tokens
        self._model.begin(Family.begun(session.id, session.user_id, tokens.refresh_token, self._house.now()))
        return self._tab(session.id, 0, tokens)

    @rule(target=tabs, tab=tabs)
    def open_another_tab(self, tab: Tab) -> Tab:
        return Tab(tab.family, tab.at, tab.access, tab.access_until)

    @rule(tab=tabs, answer_is_lost=st.booleans())
    def refresh(self, tab: Tab, *, answer_is_lost: bool) -> None:
        (pair,) = self._present((tab.family, tab.at))
        if pair is not None and not answer_is_lost:
            self._take(tab, pair)

    @rule(together=st.lists(tabs, min_size=2, max_size=3, unique_by=id), answers_are_lost=st.booleans())
    def refresh_at_once(self, together: list[Tab], *, answers_are_lost: bool) -> None:
        pairs = self._present(*((tab.family, tab.at) for tab in together))
        for tab, pair in zip(together, pairs, strict=True):
            if pair is not None and not answers_are_lost:
                self._take(tab, pair)

    @rule(tab=tabs)
    def use_the_access_token(self, tab: Tab) -> None:
        now, family = self._house.now(), self._model.families[tab.family]
        if abs(tab.access_until - now) <= ROUNDING:
            return
        try:
            actor = self._runner.run(self._house.auth.authenticate(tab.access.reveal()))
        except AccessTokenInvalid:
            assert now > tab.access_until, "a good access token was refused"
        except SessionEnded:
            assert not family.is_live(now), "somebody was signed out who should not have been"
        else:
            assert now < tab.access_until, "an access token outlived its time"
            assert family.is_live(now), "an access token outlived its session"
            assert (actor.user_id, actor.session_id) == (family.owner, family.id)
            family.use(now)

    @rule(delay=st.sampled_from(DELAYS))
    def time_passes(self, delay: timedelta) -> None:
        self._house.advance(delay)

    @rule(tab=tabs, delay=st.sampled_from(RETRIES), server_keeps_house=st.booleans())
    def an_answer_is_lost_and_asked_for_again(self, tab: Tab, delay: timedelta, *, server_keeps_house: bool) -> None:
        self._present((tab.family, tab.at))
        self._house.advance(delay)
        if server_keeps_house:
            self.the_server_keeps_house()
        self.refresh(tab, answer_is_lost=False)

    @rule(tab=tabs, delay=st.sampled_from((MINUTE - TICK, MINUTE, IDLE / 3)))
    def a_tab_is_used_for_a_while(self, tab: Tab, delay: timedelta) -> None:
        for _ in range(2):
            self._house.advance(delay)
            self.use_the_access_token(tab)
        self.the_server_keeps_house()

    @rule(tab=tabs, how=st.sampled_from(("sign out", "sign out everywhere", "change the password")))
    def leave(self, tab: Tab, how: str) -> None:
        family, actor = self._model.families[tab.family], self._actor(tab)
        if how == "sign out":
            self._runner.run(self._house.auth.logout(actor))
            family.over = True
        elif how == "sign out everywhere":
            self._runner.run(self._house.auth.logout(actor, everywhere=True))
            self._model.end_all(family.owner)
        elif family.is_live(self._house.now()):
            self._change_password(family, actor)

    def _change_password(self, family: Family, actor: Actor) -> None:
        (name,) = (name for name, user_id in self._people.items() if user_id == family.owner)
        old, self._passwords[name] = self._passwords[name], 1 - self._passwords[name]
        new = PASSWORDS[self._passwords[name]]
        self._runner.run(self._house.auth.change_password(actor, PASSWORDS[old], new))
        self._model.end_all(family.owner, keep=family.id)

    # What thieves do

    @rule(target=tabs, tab=tabs, place=st.integers(0, 10))
    def a_thief_presents_any_token_of_the_chain(self, tab: Tab, place: int) -> Tab | MultipleResults[Tab]:
        at = place % len(self._model.families[tab.family].links)
        (pair,) = self._present((tab.family, at))
        return multiple() if pair is None else self._tab(tab.family, at + 1, pair)

    @rule()
    def a_thief_guesses(self) -> None:
        assert self._runner.run(self._answer(new_token())) is None

    # What the server does

    @rule()
    def the_server_keeps_house(self) -> None:
        self._runner.run(self._house.sessions.write_sightings())
        self._model.keep_house(self._house.now())

    @rule()
    def the_server_maintains_sessions(self) -> None:
        self._runner.run(self._house.sessions.maintain(SessionMaintenance(), Attempt()))
        self._model.maintain(self._house.now())

    @rule()
    def a_month_passes(self) -> None:
        self._house.advance(MONTH)

    # What must always hold

    @invariant()
    def everybody_is_signed_in_who_should_be_and_nobody_else(self) -> None:
        for owner in self._people.values():
            listed = self._runner.run(self._house.sessions.list(Actor.host(), owner))
            assert {(session.id, session.idle_expires_at, session.expires_at) for session in listed} == {
                (family.id, family.idle_end, family.absolute_end)
                for family in self._model.live_of(owner, self._house.now())
            }

    @precondition(lambda self: bool(self._model.families))
    @invariant()
    def the_store_alone_reveals_no_token(self) -> None:
        stored = {record.token_hash: record for record in self._runner.run(self._stored())}
        assert not stored.keys() & set(_guesses(stored.values())), "a token follows from what is stored"
        for family in self._model.families.values():
            for at, link in enumerate(family.links):
                assert link.token is not None
                raw, record = bytes.fromhex(link.token.reveal()), stored.get(digest(link.token))
                if record is None:
                    assert not family.is_live(self._house.now()), "an old token would not be told from nonsense"
                    continue
                assert raw not in {record.token_hash, record.child_hash, record.child_salt}
                assert link.token.reveal() not in repr(record)
                assert record.child_salt is None or self._model.may_keep_salt(family, at), "a salt outlived its window"

    # Parts

    def _present(self, *presented: tuple[SessionId, int]) -> list[TokenPair | None]:
        """Present tokens, all at once. What comes of it must be what comes of some order."""
        now = self._house.now()
        tokens = [self._model.families[family].links[at].token for family, at in presented]
        answers = self._runner.run(self._answers([token for token in tokens if token is not None]))
        for order in permutations(range(len(presented))):
            copies = {family: self._model.families[family].copy() for family, _ in presented}
            if all(_fits(copies[presented[n][0]], presented[n][1], answers[n], now) for n in order):
                self._model.families |= copies
                return answers
        message = f"no order of events explains {['refused' if each is None else 'renewed' for each in answers]}"
        raise AssertionError(message)

    async def _answers(self, tokens: list[Secret]) -> list[TokenPair | None]:
        return list(await asyncio.gather(*(self._answer(token) for token in tokens)))

    async def _answer(self, token: Secret) -> TokenPair | None:
        try:
            return await self._house.auth.refresh(token)
        except RefreshTokenInvalid:
            return None

    async def _stored(self) -> Sequence[RefreshToken]:
        return await self._house.stored()

    def _tab(self, family: SessionId, at: int, pair: TokenPair) -> Tab:
        until = self._house.now() + timedelta(seconds=pair.expires_in)
        return Tab(family, at, pair.access_token, until)

    def _take(self, tab: Tab, pair: TokenPair) -> None:
        fresh = self._tab(tab.family, tab.at + 1, pair)
        tab.at, tab.access, tab.access_until = fresh.at, fresh.access, fresh.access_until

    def _actor(self, tab: Tab) -> Actor:
        owner = self._model.families[tab.family].owner
        return Actor(kind=ActorKind.USER, user_id=owner, session_id=tab.family)


def _guesses(stored: Collection[RefreshToken]) -> Iterator[bytes]:
    """Digests of the tokens that somebody would try who has the store and nothing else."""
    hashes = {value for record in stored for value in (record.token_hash, record.child_hash) if value is not None}
    salts = {record.child_salt for record in stored if record.child_salt is not None}
    for value in hashes | salts:
        yield digest(Secret(value.hex()))
        yield digest(Secret(hashlib.sha256(value).hexdigest()))
    for parent in hashes:
        for salt in salts:
            yield digest(derive_token(Secret(parent.hex()), salt))


def _fits(family: Family, at: int, answer: TokenPair | None, now: datetime) -> bool:
    """Whether the answer is what the model says; the model moves on, and learns the token that was handed out."""
    place = family.present(at, now)
    if place is None or answer is None:
        return place is None and answer is None
    link = family.links[place]
    link.token = link.token or answer.refresh_token
    return link.token == answer.refresh_token
