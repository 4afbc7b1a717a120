"""Somebody with all rights in the database changes the audit log behind our back: the first bad row is named.

They can do everything but sign: the master secret is not in the database.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import pytest

from revenge_adapters.checkpoints_ed25519 import Ed25519Signer
from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.seals import MemoryShipper
from revenge_adapters.postgres.activity import PostgresActivityReader
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.postgres.seals import PostgresSealReader
from revenge_adapters.postgres.uow import PostgresUnitOfWork
from revenge_adapters.system import Uuid7Ids
from revenge_core.activity.entities import Action, AuditRules, Checkpoint, Entry, Finding, Flaw, Resource, Verification
from revenge_core.activity.jobs import DropOld, EraseTraces, SealEntries
from revenge_core.activity.policy import checkpoint_message
from revenge_core.activity.service import Activity, Audit
from revenge_core.actor import Actor, ActorKind
from revenge_core.ids import EntryId, UserId
from revenge_core.secrets import Secret
from revenge_core.testing.attempt import Attempt
from revenge_core.testing.builders import NOW, an_entry, an_id
from tests.contracts.postgres_world import postgres_uow

HOST: Final = Actor.host()
SIZE: Final = 9
BAD: Final = 4
"""The seal that is tampered with."""
MASTER: Final = Secret("the master secret of this server, which the database never sees")

pytestmark = [pytest.mark.anyio, pytest.mark.asvs("16.4.2")]


@dataclass
class Log:
    """A log of nine entries, sealed three at a time, each time with a checkpoint that was also kept elsewhere."""

    audit: Audit
    activity: Activity
    uow: PostgresUnitOfWork
    reader: PostgresSealReader
    clock: ManualClock
    superuser_url: str
    entries: list[Entry] = field(default_factory=list[Entry])
    kept: list[Checkpoint] = field(default_factory=list[Checkpoint])

    async def write(self, count: int) -> None:
        for _ in range(count):
            entry = an_entry(
                created_at=NOW + timedelta(seconds=len(self.entries)),
                actor_kind=ActorKind.USER,
                actor_id=UserId(an_id()),
                address="192.0.2.7",
                resource_type="user",
                resource_id=an_id(),
                resource_key="ada",
            )
            async with self.uow.begin() as tx:
                await tx.activity.add(entry)
            self.entries.append(entry)

    async def seal(self) -> None:
        self.clock.advance(seconds=60)
        await self.audit.seal(SealEntries(), Attempt())

    async def keep(self) -> None:
        self.kept = list(await self.audit.checkpoints(HOST))

    async def tamper(self, *statements: str, **values: object) -> None:
        """As a superuser, with every trigger off."""
        async with await psycopg.AsyncConnection.connect(self.superuser_url, autocommit=True) as connection:
            await connection.execute("SET session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement.encode(), values)

    async def rewrite(self, first: int) -> None:
        """Work the chain out anew from that seal on, as only who knows how it is made can."""
        await self.tamper(
            f"""
            DO $$
            DECLARE seal record; previous bytea;
            BEGIN
                SELECT hash INTO previous FROM revenge.activity_seals WHERE sequence = {first - 1};
                previous := coalesce(previous, decode(repeat('00', 32), 'hex'));
                FOR seal IN
                    SELECT s.sequence, s.entry_at, d.content, d.personal
                      FROM revenge.activity_seals s JOIN revenge.activity e ON e.id = s.entry_id,
                           revenge.activity_digests(e) d
                     WHERE s.sequence >= {first} ORDER BY s.sequence
                LOOP
                    previous := sha256(
                        previous || int8send(seal.sequence)
                        || int8send((extract(epoch FROM seal.entry_at) * 1000000)::bigint) || seal.content
                    );
                    UPDATE revenge.activity_seals
                       SET content = seal.content, personal = seal.personal, hash = previous
                     WHERE sequence = seal.sequence;
                END LOOP;
            END $$
            """  # noqa: S608 -- a number of our own
        )

    async def verify(self, *, elsewhere: bool = False) -> Verification:
        return await self.audit.verify(HOST, checkpoints=_each(self.kept) if elsewhere else None)

    async def first(self, *, elsewhere: bool = False) -> Finding:
        """What is wrong first."""
        found = await self.verify(elsewhere=elsewhere)
        assert not found.is_whole
        return found.findings[0]

    def about(self, number: int) -> dict[str, Any]:
        """Which row a finding is to name."""
        entry = self.entries[number - 1]
        return {"entry_id": entry.id, "entry_at": entry.created_at}


async def _each(kept: Sequence[Checkpoint]) -> AsyncIterator[Checkpoint]:
    for one in kept:
        yield one


@pytest.fixture
async def log(revenge_postgres: RecycledDatabase) -> AsyncIterator[Log]:
    database = Database(revenge_postgres.url, max_size=4)
    await database.open()
    clock, uow, reader = ManualClock(), postgres_uow(database), PostgresSealReader(database)
    activity = Activity(uow, PostgresActivityReader(database, clock), clock, Uuid7Ids())
    audit = Audit(uow, reader, Ed25519Signer(MASTER), MemoryShipper(), activity, clock, AuditRules())
    made = Log(audit, activity, uow, reader, clock, revenge_postgres.superuser_url)
    for _ in range(SIZE // 3):
        await made.write(3)
        await made.seal()
    await made.keep()
    assert (await made.verify(elsewhere=True)).is_whole
    yield made
    await database.close()


EDITS: Final = (
    "action = 'user.logout'",
    "outcome = 'success'",
    "actor_id = gen_random_uuid()",
    "on_behalf_of = gen_random_uuid()",
    "session_id = gen_random_uuid()",
    "key_id = gen_random_uuid()",
    "reason = ''",
    "resource_type = 'session'",
    "resource_id = NULL",
    "resource_key = 'eve'",
    'changes = \'{"a": {"after": 1, "before": null, "more": 2}}\'',
    "address = '192.0.2.8'",
    "user_agent = 'another'",
    "request_id = 'another'",
    "salt = 'another'",
    "actor_kind = 'system'",
    "salt = '', address = NULL",
)


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edited_entry_is_named(log: Log, edit: str) -> None:
    statement = f"UPDATE revenge.activity SET {edit} WHERE id = %(id)s"  # noqa: S608 -- edits of our own
    await log.tamper(statement, id=log.entries[BAD - 1].id)
    assert await log.first() == Finding(flaw=Flaw.ENTRY_CHANGED, sequence=BAD, **log.about(BAD))


async def test_an_entry_that_says_another_time_is_named_twice(log: Log) -> None:
    await log.tamper(
        "UPDATE revenge.activity SET created_at = created_at + interval '1 hour' WHERE id = %(id)s",
        id=log.entries[BAD - 1].id,
    )
    found = await log.verify()
    assert [one.flaw for one in found.findings] == [Flaw.ENTRY_MISSING, Flaw.ENTRY_INSERTED]
    assert found.findings[0] == Finding(flaw=Flaw.ENTRY_MISSING, sequence=BAD, **log.about(BAD))


async def test_an_entry_edited_before_it_was_sealed_is_named(log: Log) -> None:
    await log.write(1)
    await log.tamper("UPDATE revenge.activity SET reason = 'x' WHERE id = %(id)s", id=log.entries[-1].id)
    assert await log.first() == Finding(flaw=Flaw.ENTRY_CHANGED, **log.about(SIZE + 1))
    await log.seal()
    assert await log.first() == Finding(flaw=Flaw.ENTRY_CHANGED, sequence=SIZE + 1, **log.about(SIZE + 1))


async def test_a_deleted_entry_is_named(log: Log) -> None:
    await log.tamper("DELETE FROM revenge.activity WHERE id = %(id)s", id=log.entries[BAD - 1].id)
    assert await log.first() == Finding(flaw=Flaw.ENTRY_MISSING, sequence=BAD, **log.about(BAD))


async def test_an_entry_deleted_before_it_was_sealed_is_named(log: Log) -> None:
    await log.write(1)
    await log.tamper("DELETE FROM revenge.activity WHERE id = %(id)s", id=log.entries[-1].id)
    assert await log.first() == Finding(flaw=Flaw.ENTRY_MISSING, **log.about(SIZE + 1))


async def test_an_entry_deleted_with_what_waited_for_it_is_missed_by_nobody_but_the_first_bad_row_stays_named(
    log: Log,
) -> None:
    await log.tamper(
        "DELETE FROM revenge.activity WHERE id = %(id)s",
        "DELETE FROM revenge.activity_seals WHERE entry_id = %(id)s",
        id=log.entries[BAD - 1].id,
    )
    assert await log.first() == Finding(flaw=Flaw.SEAL_MISSING, sequence=BAD, upto=BAD)


async def test_an_inserted_entry_is_named(log: Log) -> None:
    forged = EntryId(an_id())
    await log.tamper(
        "INSERT INTO revenge.activity (id, created_at, actor_kind, action, outcome, changes, salt)"
        " VALUES (%(id)s, %(at)s, 'host', 'user.create', 'success', '{}', '')",
        id=forged,
        at=NOW,
    )
    assert await log.first() == Finding(flaw=Flaw.ENTRY_INSERTED, entry_id=forged, entry_at=NOW)


async def test_seals_that_changed_places_are_named(log: Log) -> None:
    await log.tamper(
        f"UPDATE revenge.activity_seals SET sequence = 1000 WHERE sequence = {BAD}",  # noqa: S608 -- a constant
        f"UPDATE revenge.activity_seals SET sequence = {BAD} WHERE sequence = {BAD + 2}",  # noqa: S608 -- a constant
        f"UPDATE revenge.activity_seals SET sequence = {BAD + 2} WHERE sequence = 1000",  # noqa: S608 -- a constant
    )
    assert await log.first() == Finding(flaw=Flaw.SEAL_MOVED, sequence=BAD, **log.about(BAD + 2))


async def test_seals_whose_entries_changed_places_are_named(log: Log) -> None:
    one, other = log.entries[BAD - 1], log.entries[BAD + 1]
    change = "UPDATE revenge.activity_seals SET entry_id = %(new)s, entry_at = %(at)s WHERE sequence = %(sequence)s"
    await log.tamper(change, new=an_id(), at=NOW, sequence=BAD + 2)
    await log.tamper(change, new=other.id, at=other.created_at, sequence=BAD)
    await log.tamper(change, new=one.id, at=one.created_at, sequence=BAD + 2)
    assert await log.first() == Finding(flaw=Flaw.SEAL_CHANGED, sequence=BAD, **log.about(BAD + 2))


@pytest.mark.parametrize("column", ["content", "hash"])
async def test_a_changed_seal_is_named(log: Log, column: str) -> None:
    await log.tamper(f"UPDATE revenge.activity_seals SET {column} = sha256('x') WHERE sequence = {BAD}")  # noqa: S608 -- constants
    found = await log.first()
    assert (found.sequence, found.entry_id) == (BAD, log.entries[BAD - 1].id)
    assert found.flaw in {Flaw.SEAL_CHANGED, Flaw.SEAL_MOVED}


async def test_a_chain_written_anew_is_named_by_what_was_signed(log: Log) -> None:
    await log.tamper("UPDATE revenge.activity SET action = 'x' WHERE id = %(id)s", id=log.entries[BAD].id)
    await log.rewrite(BAD + 1)
    assert await log.first() == Finding(flaw=Flaw.REWRITTEN, sequence=BAD, upto=6, **log.about(BAD))


async def test_a_chain_written_anew_with_checkpoints_taken_away_is_named_by_those_kept_elsewhere(log: Log) -> None:
    await log.tamper(
        "UPDATE revenge.activity SET action = 'x' WHERE id = %(id)s",
        "DELETE FROM revenge.activity_checkpoints WHERE sequence > 3",
        id=log.entries[BAD].id,
    )
    await log.rewrite(BAD + 1)
    assert (await log.verify()).is_whole
    assert await log.first(elsewhere=True) == Finding(flaw=Flaw.REWRITTEN, sequence=BAD, upto=6, **log.about(BAD))


async def test_a_checkpoint_that_somebody_else_signed_is_named(log: Log) -> None:
    theirs = Ed25519Signer(Secret("a secret of somebody else, who has the database alone"))
    await log.tamper("UPDATE revenge.activity SET action = 'x' WHERE id = %(id)s", id=log.entries[BAD].id)
    await log.rewrite(BAD + 1)
    for checkpoint in log.kept[1:]:
        (reached,) = (await log.reader.hashes([checkpoint.sequence])).values()
        signed = theirs.sign(checkpoint_message(checkpoint.sequence, reached, checkpoint.created_at))
        await log.tamper(
            "UPDATE revenge.activity_checkpoints SET hash = %(hash)s, key_id = %(key_id)s, public_key = %(public_key)s,"
            " signature = %(signature)s WHERE sequence = %(sequence)s",
            hash=reached,
            sequence=checkpoint.sequence,
            key_id=signed.key_id,
            public_key=signed.public_key,
            signature=signed.signature,
        )
    found = await log.verify()
    assert [(one.flaw, one.sequence) for one in found.findings] == [
        (Flaw.CHECKPOINT_FORGED, 6),
        (Flaw.CHECKPOINT_FORGED, 9),
    ]
    trusting = await log.audit.verify(HOST, trusted=frozenset({theirs.public_key}))
    assert trusting.is_whole  # whoever trusts that key, believes it


CUT: Final = (
    "DELETE FROM revenge.activity WHERE id IN (SELECT entry_id FROM revenge.activity_seals WHERE sequence > 5)",
    "DELETE FROM revenge.activity_seals WHERE sequence > 5",
)


async def test_a_tail_that_was_cut_is_named(log: Log) -> None:
    await log.tamper(*CUT)
    assert await log.first() == Finding(flaw=Flaw.TAIL_CUT, sequence=6, upto=SIZE)


async def test_a_tail_that_was_cut_with_its_checkpoints_is_named_by_those_kept_elsewhere(log: Log) -> None:
    await log.tamper(*CUT, "DELETE FROM revenge.activity_checkpoints WHERE sequence > 5")
    assert (await log.verify()).is_whole
    assert await log.first(elsewhere=True) == Finding(flaw=Flaw.TAIL_CUT, sequence=6, upto=SIZE)


async def test_a_tail_that_was_cut_and_grew_again_is_named_by_what_was_kept_elsewhere(log: Log) -> None:
    await log.tamper(*CUT, "DELETE FROM revenge.activity_checkpoints WHERE sequence > 5")
    await log.write(6)
    await log.seal()
    assert (await log.verify()).is_whole
    found = await log.first(elsewhere=True)
    assert (found.flaw, found.sequence, found.upto) == (Flaw.REWRITTEN, 4, 6)


async def test_a_log_that_was_emptied_is_named(log: Log) -> None:
    await log.tamper("TRUNCATE revenge.activity", "TRUNCATE revenge.activity_seals")
    assert await log.first() == Finding(flaw=Flaw.TAIL_CUT, sequence=1, upto=SIZE)
    await log.tamper("TRUNCATE revenge.activity_checkpoints")
    assert (await log.verify()).is_whole
    assert await log.first(elsewhere=True) == Finding(flaw=Flaw.TAIL_CUT, sequence=1, upto=SIZE)


async def test_the_beginning_cannot_be_cut_as_if_it_had_been_kept_long_enough(log: Log) -> None:
    entries = f"SELECT entry_id FROM revenge.activity_seals WHERE sequence <= {BAD}"  # noqa: S608 -- a constant
    cut = (
        f"DELETE FROM revenge.activity WHERE id IN ({entries})",  # noqa: S608 -- a constant
        f"DELETE FROM revenge.activity_seals WHERE sequence <= {BAD}",  # noqa: S608 -- a constant
    )
    (reached,) = (await log.reader.hashes([BAD])).values()
    await log.tamper(*cut)
    assert await log.first() == Finding(flaw=Flaw.SEAL_MISSING, sequence=1, upto=BAD)
    await log.tamper(
        "INSERT INTO revenge.activity_retentions (dropped_at, before, what, entries, sequence, hash, key_id,"
        " public_key, signature) SELECT now(), %(at)s, 'activity_2025_12', 4, %(number)s, %(hash)s, key_id, public_key,"
        " signature FROM revenge.activity_checkpoints LIMIT 1",
        number=BAD,
        hash=reached,
        at=NOW,
    )
    found = await log.first()
    assert (found.flaw, found.sequence) == (Flaw.RETENTION_FORGED, BAD)


async def test_entries_cannot_be_dropped_under_a_date_that_was_changed(log: Log) -> None:
    old = an_entry(created_at=NOW.replace(year=2020))
    async with log.uow.begin() as tx:
        await tx.activity.add(old)
    await log.seal()
    log.clock.advance(days=1)
    await log.audit.drop_old(DropOld(), Attempt())
    assert (await log.verify(elsewhere=True)).is_whole
    await log.tamper(
        "UPDATE revenge.activity_retentions SET before = %(at)s",
        "DELETE FROM revenge.activity WHERE id = %(id)s",
        at=NOW + timedelta(days=1),
        id=log.entries[BAD - 1].id,
    )
    found = await log.verify()
    assert {one.flaw for one in found.findings} == {Flaw.RETENTION_FORGED, Flaw.ENTRY_MISSING}


BLANK: Final = (
    "UPDATE revenge.activity SET resource_key = NULL, changes = '{}', address = NULL, user_agent = NULL,"
    " request_id = NULL, salt = '' WHERE id = %(id)s"
)


async def test_what_was_blanked_as_if_the_account_had_been_erased_is_named(log: Log) -> None:
    await log.tamper(BLANK, id=log.entries[BAD - 1].id)
    assert await log.first() == Finding(flaw=Flaw.ENTRY_ERASED, sequence=BAD, **log.about(BAD))


async def test_what_was_erased_with_its_account_is_no_tampering(log: Log) -> None:
    who = log.entries[BAD - 1].actor_id
    assert who is not None
    async with log.uow.begin() as tx:
        await log.activity.write(tx, Actor.system(), Action.USER_PURGE, resource=Resource(type="user", id=who))
    await log.audit.erase(EraseTraces(user_id=who), Attempt())
    await log.seal()
    assert (await log.verify(elsewhere=True)).is_whole
    await log.tamper("UPDATE revenge.activity SET outcome = 'success' WHERE id = %(id)s", id=log.entries[BAD - 1].id)
    assert await log.first() == Finding(flaw=Flaw.ENTRY_CHANGED, sequence=BAD, **log.about(BAD))


async def test_many_findings_are_counted_and_the_first_hundred_listed(log: Log) -> None:
    await log.write(200)
    await log.seal()
    await log.tamper("UPDATE revenge.activity SET action = 'x'")
    found = await log.verify()
    assert (len(found.findings), found.more) == (100, 109)
    assert found.findings[0].sequence == 1


async def test_many_findings_further_on_do_not_hide_the_first_bad_row(log: Log) -> None:
    await log.tamper("UPDATE revenge.activity SET action = 'x' WHERE id = %(id)s", id=log.entries[0].id)
    await log.rewrite(1)
    await log.write(200)
    await log.seal()
    await log.tamper("UPDATE revenge.activity SET action = 'y' WHERE created_at > %(at)s", at=log.entries[8].created_at)
    found = await log.verify()
    assert (found.findings[0].flaw, found.findings[0].sequence) == (Flaw.REWRITTEN, 1)
    assert len(found.findings) + found.more == 201


async def drop_an_old_entry(log: Log) -> None:
    """Retention runs and finds something: the chain stays, as what came before is younger."""
    async with log.uow.begin() as tx:
        await tx.activity.add(an_entry(created_at=NOW.replace(year=2020)))
    await log.seal()
    await log.audit.drop_old(DropOld(), Attempt())


async def test_an_entry_cannot_be_taken_for_one_that_was_dropped(log: Log) -> None:
    await drop_an_old_entry(log)
    assert (await log.verify(elsewhere=True)).is_whole
    await log.tamper(
        "DELETE FROM revenge.activity WHERE id = %(id)s",
        "UPDATE revenge.activity_seals SET entry_at = '2020-01-01T00:00:00Z' WHERE entry_id = %(id)s",
        id=log.entries[BAD - 1].id,
    )
    found = await log.first()
    assert (found.flaw, found.sequence) == (Flaw.SEAL_CHANGED, BAD)


@pytest.mark.parametrize("number", [0, -5])
async def test_a_seal_that_lies_before_the_chain_proves_nothing(log: Log, number: int) -> None:
    forged = EntryId(an_id())
    await log.tamper(
        "INSERT INTO revenge.activity (id, created_at, actor_kind, action, outcome, changes, salt)"
        " VALUES (%(id)s, %(at)s, 'host', 'user.create', 'success', '{}', '')",
        "INSERT INTO revenge.activity_seals SELECT %(number)s, id, created_at, '', '', '' FROM revenge.activity"
        " WHERE id = %(id)s",
        id=forged,
        at=NOW,
        number=number,
    )
    assert await log.first() == Finding(flaw=Flaw.ENTRY_INSERTED, entry_id=forged, entry_at=NOW)


async def test_an_entry_beside_the_genuine_one_is_named(log: Log) -> None:
    about = log.about(BAD)
    await log.tamper("ALTER TABLE revenge.activity DROP CONSTRAINT activity_pkey")
    try:
        await log.tamper(
            "CREATE TABLE public.twin AS SELECT * FROM revenge.activity WHERE id = %(id)s",
            "UPDATE public.twin SET outcome = 'failure'",
            "INSERT INTO revenge.activity SELECT * FROM public.twin",
            "DROP TABLE public.twin",
            id=about["entry_id"],
        )
        found = await log.verify()
        assert Finding(flaw=Flaw.ENTRY_INSERTED, **about) in found.findings
    finally:
        await log.tamper(
            "DELETE FROM revenge.activity", "ALTER TABLE revenge.activity ADD PRIMARY KEY (id, created_at)"
        )


async def test_whoever_has_the_applications_role_drops_nothing_unseen(
    log: Log, revenge_postgres: RecycledDatabase
) -> None:
    """They drop what is more than 30 days old, and have the next retention take over where the chain begins."""
    now = datetime.now(UTC)
    async with log.uow.begin() as tx:
        for days in (200, 100):
            await tx.activity.add(an_entry(created_at=now - timedelta(days=days)))
    await log.seal()
    async with await psycopg.AsyncConnection.connect(revenge_postgres.url, autocommit=True) as connection:
        for _ in range(20):
            await connection.execute("SELECT revenge.drop_activity(now() - interval '31 days', now())")
        await connection.execute("SELECT revenge.drop_activity_seals(10000)")
    await drop_an_old_entry(log)
    found = await log.first()
    assert found.flaw is Flaw.RETENTION_FORGED


async def test_a_beginning_that_retention_was_made_to_sign_is_named_by_what_was_kept_elsewhere(log: Log) -> None:
    (reached,) = (await log.reader.hashes([6])).values()
    await log.tamper(
        "DELETE FROM revenge.activity WHERE id IN (SELECT entry_id FROM revenge.activity_seals WHERE sequence <= 6)",
        "DELETE FROM revenge.activity_seals WHERE sequence <= 6",
        "DELETE FROM revenge.activity_checkpoints WHERE sequence <= 6",
        "INSERT INTO revenge.activity_retentions (dropped_at, before, what, entries, sequence, hash)"
        " VALUES (%(at)s, %(at)s, 'activity_2025_12', 6, 6, %(hash)s)",
        hash=reached,
        at=NOW,
    )
    await drop_an_old_entry(log)
    await log.tamper("DELETE FROM revenge.activity_retentions WHERE signature IS NULL")
    assert (await log.verify()).is_whole
    assert await log.first(elsewhere=True) == Finding(flaw=Flaw.SEAL_MISSING, sequence=3, upto=6)


async def test_an_entry_that_comes_again_after_it_was_dropped_does_not_stop_the_sealing(
    log: Log, revenge_postgres: RecycledDatabase
) -> None:
    again = (
        b"INSERT INTO revenge.activity (id, created_at, actor_kind, action, outcome, changes, salt)"
        b" VALUES (%s, '2020-03-01T00:00:00Z', 'host', 'user.create', 'success', '{}', 'x')"
    )
    which = (an_id(),)
    async with await psycopg.AsyncConnection.connect(revenge_postgres.url, autocommit=True) as connection:
        await connection.execute(again, which)
        await log.seal()
        await log.audit.drop_old(DropOld(), Attempt())
        with pytest.raises(psycopg.errors.UniqueViolation):
            await connection.execute(again, which)
    await log.write(1)
    await log.seal()
    assert (await log.audit.backlog(HOST)).entries == 0
    assert (await log.verify(elsewhere=True)).is_whole


async def test_a_checkpoint_that_somebody_put_in_keeps_nothing_from_being_signed(log: Log) -> None:
    await log.tamper(
        "INSERT INTO revenge.activity_checkpoints SELECT 1000000, hash, created_at, key_id, public_key, signature"
        " FROM revenge.activity_checkpoints LIMIT 1"
    )
    await log.write(1)
    await log.seal()
    assert [one.sequence for one in await log.audit.checkpoints(HOST, after=SIZE)] == [SIZE + 1, 1000000]
    assert await log.first() == Finding(flaw=Flaw.CHECKPOINT_FORGED, sequence=1000000, entry_at=log.kept[0].created_at)


async def test_what_says_that_an_account_was_erased_is_not_blanked_with_it(log: Log) -> None:
    who = UserId(an_id())
    purge = an_entry(action=Action.USER_PURGE, resource_type="user", resource_id=who, created_at=NOW)
    async with log.uow.begin() as tx:
        await tx.activity.add(purge)
    await log.tamper(BLANK, id=purge.id)
    assert await log.first() == Finding(flaw=Flaw.ENTRY_ERASED, entry_id=purge.id, entry_at=NOW)


async def test_the_database_refuses_what_only_its_functions_may_do(revenge_postgres: RecycledDatabase) -> None:
    for url in (revenge_postgres.url, revenge_postgres.owner_url):
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(
                "INSERT INTO revenge.activity (id, created_at, actor_kind, action, outcome, changes, salt)"
                " VALUES (gen_random_uuid(), now(), 'host', 'user.create', 'success', '{}', 'x')"
            )
            for statement in (
                "UPDATE revenge.activity SET action = 'x'",
                "DELETE FROM revenge.activity",
                "TRUNCATE revenge.activity",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await connection.execute(statement.encode())


async def test_even_an_owner_who_says_so_erases_nothing_but_what_tells_of_people(
    revenge_postgres: RecycledDatabase,
) -> None:
    async with await psycopg.AsyncConnection.connect(revenge_postgres.owner_url, autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO revenge.activity (id, created_at, actor_kind, action, outcome, changes, salt)"
            " VALUES (gen_random_uuid(), now(), 'host', 'user.create', 'success', '{}', 'x')"
        )
        for purpose in ("erasure", "retention"):
            await connection.execute(f"SET revenge.audit_change = '{purpose}'".encode())
            for statement in (
                "UPDATE revenge.activity SET action = 'x'",
                "UPDATE revenge.activity SET salt = 'y'",
                "UPDATE revenge.activity SET salt = '', reason = 'x'",
                "DELETE FROM revenge.activity",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only added to"):
                    await connection.execute(statement.encode())
