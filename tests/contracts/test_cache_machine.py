"""No order of events makes a cache lie: several processes, alone and together, over one database and its feed.

The followers are the real ones, fed by hand with what a look at the feed would tell them; what processes share is a
dictionary into which somebody else may write whatever was there before (rulings R25).
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from revenge_adapters.boottime import boottime
from revenge_adapters.dragonfly.cache import DragonflyCache, Entries
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.l1 import GuardedCache
from revenge_adapters.postgres.feed import ChangeFollower, News
from revenge_adapters.system import SystemClock
from revenge_core.cache.entities import Recipe
from revenge_core.feed import Topic
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.cache import Film, change_of
from tests.conftest import SCALE

KEYS: Final[tuple[str, ...]] = ("alien", "brazil", "casablanca")
PROCESSES: Final = 3
ENVELOPES: Final = Envelopes(Secret("a master secret that only tests use, long enough"))

keys = st.sampled_from(KEYS)
processes = st.integers(0, PROCESSES - 1)


class Shared(Entries):
    """What processes share, and all that was ever in it."""

    def __init__(self) -> None:
        self.now: dict[str, bytes] = {}
        self.ever: list[tuple[str, bytes]] = []

    @override
    async def read(self, name: str) -> bytes | None:
        await asyncio.sleep(0)
        return self.now.get(name)

    @override
    def write(self, name: str, sealed: bytes, milliseconds: int) -> None:
        self.now[name] = sealed
        self.ever.append((name, sealed))


class Database:
    """Films, and announcements of their changes. Every film ever written is another one."""

    def __init__(self) -> None:
        self.films: dict[str, Film | None] = {key: Film(title=key) for key in KEYS}
        self.number = 0
        self.trimmed_to = 0
        self.changes: list[tuple[int, str]] = []
        self.lineage = 0
        self.written = 0
        self.time = 0
        self.was: dict[str, list[tuple[int, Film | None]]] = {key: [(0, film)] for key, film in self.films.items()}
        """Since when each key had which film."""
        self.backup: tuple[dict[str, Film | None], int] = (dict(self.films), 0)

    def put(self, key: str, *, absent: bool) -> int:
        self.written += 1
        self._set(key, None if absent else Film(title=key, seen=self.written))
        self.number += 1
        self.changes.append((self.number, key))
        return self.number

    def restore(self) -> None:
        films, self.number = self.backup
        self.changes = [change for change in self.changes if change[0] <= self.number]
        self.trimmed_to = min(self.trimmed_to, self.number)
        self.lineage += 1
        for key, film in films.items():
            self._set(key, film)

    def news(self, cursor: int) -> News:
        fresh = [(number, key) for number, key in self.changes if number > cursor]
        return News(
            now=datetime.now(UTC),
            lineage=str(self.lineage),
            trimmed_to=self.trimmed_to,
            newest=self.number,
            numbers=[number for number, _ in fresh],
            topics=[str(Topic.USER)] * len(fresh),
            keys=[key for _, key in fresh],
        )

    def films_since(self, key: str, moment: int) -> list[Film | None]:
        """Those that it had at some time from that moment on."""
        was = self.was[key]
        first = max(at for at, (since, _) in enumerate(was) if since <= moment)
        return [film for _, film in was[first:]]

    def _set(self, key: str, film: Film | None) -> None:
        self.time += 1
        self.films[key] = film
        self.was[key].append((self.time, film))


class Process:
    """One server."""

    def __init__(self, database: Database, shared: Shared | None) -> None:
        self.database = database
        self.follower = ChangeFollower("")
        recipe = Recipe[str, Film](
            name="films",
            form=Film,
            load=self.load,
            depends_on=lambda key, _: (change_of(key),),
            absent_for=60,
        )
        below = None
        if shared is not None:
            below = DragonflyCache(shared, ENVELOPES, self.follower, SystemClock(), recipe)
        self.cache = GuardedCache(self.follower, recipe, below=below, capacity=2)
        self.knows: dict[str, int] = dict.fromkeys(KEYS, 0)
        """Up to which moment it was told of all that happened to a key."""
        self.open = asyncio.Event()
        self.open.set()
        self.look()

    async def load(self, key: str) -> Film | None:
        film = self.database.films[key]
        await self.open.wait()
        return film

    def look(self) -> None:
        self.follower._take(self.database.news(self.follower._cursor))
        self.follower._looked_at = boottime()
        self.knows = dict.fromkeys(KEYS, self.database.time)

    def may_answer(self, key: str) -> int:
        """From which moment on a film may be that is asked for now."""
        return self.knows[key] if self.follower.is_fresh(boottime()) else self.database.time


class CacheMachine(RuleBasedStateMachine):
    """Whatever happens, nobody gets a film of which he was told before he asked that it is there no more."""

    together = True

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.asked: list[tuple[str, int, asyncio.Task[Film | None]]] = []

    @override
    def teardown(self) -> None:
        for process in self.processes:
            process.open.set()
        self.runner.run(self._finish())
        self.runner.close()

    @initialize()
    def start(self) -> None:
        self.database, self.shared = Database(), Shared()
        self.processes = [self._process() for _ in range(PROCESSES)]

    @rule(key=keys, absent=st.booleans())
    def somebody_writes(self, key: str, absent: bool) -> None:
        self.database.put(key, absent=absent)

    @rule(number=processes, key=keys, absent=st.booleans())
    def a_process_writes(self, number: int, key: str, absent: bool) -> None:
        change = self.database.put(key, absent=absent)
        process = self.processes[number]
        process.follower.committed(((change, change_of(key)),))
        if process.follower.mark().lineage == str(self.database.lineage):
            # Who does not know yet of a restore takes numbers of the new history for ones of the old, until it looks.
            process.knows[key] = self.database.time

    @rule(number=processes)
    def a_process_looks(self, number: int) -> None:
        self.processes[number].look()

    @rule(number=processes)
    def a_process_loses_the_feed(self, number: int) -> None:
        self.processes[number].follower._looked_at = float("-inf")

    @rule(number=processes)
    def a_process_starts_again(self, number: int) -> None:
        self.processes[number].open.set()
        self.processes[number] = self._process()

    @rule(number=processes, key=keys)
    def somebody_asks(self, number: int, key: str) -> None:
        process = self.processes[number]
        if process.open.is_set():
            since = process.may_answer(key)
            found = self.runner.run(self._get(process, key))
            assert found in self.database.films_since(key, since)

    @rule(number=processes, key=keys, many=st.integers(1, 3))
    def some_ask_and_wait(self, number: int, key: str, many: int) -> None:
        process = self.processes[number]
        process.open.clear()
        since = process.may_answer(key)
        self.runner.run(self._begin(process, key, since, many))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def one_who_waits_is_cancelled(self, data: st.DataObject) -> None:
        key_since_task = data.draw(st.sampled_from(self.asked))
        self.asked.remove(key_since_task)
        self.runner.run(self._cancel(key_since_task[2]))

    @rule(number=processes)
    def the_database_answers(self, number: int) -> None:
        self.processes[number].open.set()
        self.runner.run(self._turns())

    @rule()
    def the_feed_is_trimmed(self) -> None:
        self.database.changes.clear()
        self.database.trimmed_to = self.database.number

    @rule()
    def a_backup_is_made(self) -> None:
        self.database.backup = (dict(self.database.films), self.database.number)

    @rule()
    def the_backup_is_restored(self) -> None:
        self.database.restore()

    @precondition(lambda self: self.shared.ever)
    @rule(data=st.data(), anywhere=st.booleans())
    def somebody_puts_an_old_entry_back(self, data: st.DataObject, anywhere: bool) -> None:
        name, sealed = data.draw(st.sampled_from(self.shared.ever))
        if anywhere:
            name = data.draw(st.sampled_from(self.shared.ever))[0]
        self.shared.now[name] = sealed

    @rule()
    def the_shared_cache_is_emptied(self) -> None:
        self.shared.now.clear()

    @invariant()
    def whoever_has_an_answer_has_a_true_one(self) -> None:
        for asked in [asked for asked in self.asked if asked[2].done()]:
            self.asked.remove(asked)
            key, since, task = asked
            assert task.result() in self.database.films_since(key, since)

    def _process(self) -> Process:
        return Process(self.database, self.shared if self.together else None)

    async def _get(self, process: Process, key: str) -> Film | None:
        return await process.cache.get(key)

    async def _begin(self, process: Process, key: str, since: int, many: int) -> None:
        for _ in range(many):
            self.asked.append((key, since, asyncio.create_task(process.cache.get(key))))
        await self._turns()

    async def _cancel(self, task: "asyncio.Task[Any]") -> None:
        task.cancel()
        await self._turns()

    async def _finish(self) -> None:
        await asyncio.gather(*(task for _, _, task in self.asked))

    async def _turns(self) -> None:
        for _ in range(8):
            await asyncio.sleep(0)


class AloneMachine(CacheMachine):
    """The same for processes that share nothing."""

    together = False


STEPS: Final = settings(max_examples=max(1, round(150 * SCALE)), stateful_step_count=40, deadline=None)
CacheMachine.TestCase.settings = STEPS
AloneMachine.TestCase.settings = STEPS
TestTogether = CacheMachine.TestCase
TestAlone = AloneMachine.TestCase
