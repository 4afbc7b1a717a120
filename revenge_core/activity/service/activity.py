"""Writing the audit log, and reading what one did oneself."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from revenge_core.activity.entities import (
    Action,
    Edge,
    Entry,
    EntryFilter,
    FieldChange,
    Outcome,
    Resource,
)
from revenge_core.activity.jobs import MakeMonths
from revenge_core.activity.policy import without_others
from revenge_core.activity.ports import ActivityMonthsTx, ActivityReader, ActivityTx
from revenge_core.activity.service.cursors import cursor_after, edge_after, edge_of
from revenge_core.actor import Actor
from revenge_core.background import JobContext
from revenge_core.clock import Clock
from revenge_core.ids import EntryId, Ids, UserId
from revenge_core.paging import MAX_LIMIT, Page, checked_limit
from revenge_core.secrets import new_salt
from revenge_core.uow import UnitOfWork

NOTHING_CHANGED: Final[Mapping[str, FieldChange]] = {}
NO_RESOURCE: Final = None


class Activity:
    """The audit log. Other services write through the transaction that makes the change."""

    def __init__(self, uow: UnitOfWork[ActivityMonthsTx], reader: ActivityReader, clock: Clock, ids: Ids) -> None:
        self._uow = uow
        self._reader = reader
        self._clock = clock
        self._ids = ids

    async def write(
        self,
        tx: ActivityTx,
        actor: Actor,
        action: Action,
        *,
        resource: Resource | None = NO_RESOURCE,
        changes: Mapping[str, FieldChange] = NOTHING_CHANGED,
        outcome: Outcome = Outcome.SUCCESS,
        reason: str | None = None,
        on_behalf_of: UserId | None = None,
    ) -> None:
        """Add one entry to `tx`; it exists if, and only if, that transaction commits."""
        await tx.activity.add(
            Entry(
                id=EntryId(self._ids.new()),
                created_at=self._clock.now(),
                actor_kind=actor.kind,
                actor_id=actor.user_id,
                session_id=actor.session_id,
                key_id=actor.key.id if actor.key else None,
                on_behalf_of=on_behalf_of,
                action=action,
                outcome=outcome,
                reason=reason,
                resource_type=resource.type if resource else None,
                resource_id=resource.id if resource else None,
                resource_key=resource.key if resource else None,
                changes=dict(changes),
                address=actor.origin.address,
                user_agent=actor.origin.user_agent,
                request_id=actor.origin.request_id,
                salt=new_salt(),
            )
        )

    async def own(self, actor: Actor, *, limit: int = 50, cursor: str | None = None) -> Page[Entry]:
        """What the actor did, newest first, without what it tells of other people (decisions I10).

        Raises:
            Unauthenticated, KeyScopeLacking: nobody is signed in, or the API key was not made for this.
            CursorInvalid: `cursor` is not an answer of this list.
            Invalid: `limit` is out of range.
        """
        user_id = actor.require_user()
        before = edge_of(cursor) if cursor else None
        wanted = EntryFilter(actor_id=user_id)
        found = await self._reader.newest(wanted, limit=checked_limit(limit) + 1, before=before)
        page = found[:limit]
        return Page(
            items=tuple(without_others(one.entry, user_id) for one in page),
            next_cursor=cursor_after(page[-1]) if len(found) > limit else None,
        )

    async def deeds_of(self, user_id: UserId) -> AsyncIterator[Entry]:
        """All that the user did, newest first, as `own` tells it; read in parts. For services that hand it to them."""
        before: Edge | None = None
        while part := await self._reader.newest(EntryFilter(actor_id=user_id), limit=MAX_LIMIT, before=before):
            for named in part:
                yield without_others(named.entry, user_id)
            before = edge_after(part[-1])

    async def make_months(self, _: MakeMonths, ctx: JobContext) -> None:
        """Prepare the months to come: entries of a month that is not prepared lie where no retention finds them."""
        async with self._uow.begin() as tx:
            await tx.activity_months.make_ahead(self._clock.now())
            await ctx.complete(tx)
