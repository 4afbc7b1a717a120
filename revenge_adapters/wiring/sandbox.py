"""A complete `Revenge` in memory, with handles on the world around it: what a downstream project's tests use."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from threading import Lock
from typing import Final

from msgspec.structs import replace

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.health import SteadyProbe
from revenge_adapters.memory.ids import CountingIds
from revenge_adapters.memory.jobs.worker import MemoryWorker
from revenge_adapters.memory.mail import MemoryMailer
from revenge_adapters.memory.passwords import QuickHasher
from revenge_adapters.memory.pictures import MemoryPictures
from revenge_adapters.memory.seals import MemoryShipper
from revenge_adapters.memory.storage import MemoryFileStorage
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_adapters.wiring.handlers import SCHEDULES, MoreJobs, register
from revenge_adapters.wiring.memory import MemoryAdapters
from revenge_adapters.wiring.rules import Rules
from revenge_adapters.wiring.services import Services
from revenge_core.accounts.entities import AccountRules
from revenge_core.activity.entities import AuditRules
from revenge_core.apikeys.entities import KeyRules
from revenge_core.auth.entities import AuthRules
from revenge_core.feed import Change
from revenge_core.limits.entities import LimitRules
from revenge_core.mail.entities import MailRules
from revenge_core.revenge import Revenge
from revenge_core.sessions.entities import SessionRules
from revenge_core.users.entities import AddressRules, AvatarRules


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The same `Revenge` as in production, and what a test wants to move or look at."""

    revenge: Revenge
    clock: ManualClock
    """Stands still; `advance` moves it."""
    ids: CountingIds
    hasher: QuickHasher
    """Set `busy` to see what callers do when too many people sign in."""
    mail: MemoryMailer
    """`sent` holds what people got; it can refuse addresses, and be away."""
    database: SteadyProbe
    """What readiness sees of the database."""
    pictures: MemoryPictures
    """Takes PNG only and draws nothing; set `busy` to see what callers do when too many are being drawn."""
    storage: MemoryFileStorage
    """`files` holds what was kept; it can be away."""
    elsewhere: MemoryShipper
    """Takes checkpoints of the audit log where `on` is set: `shipped` holds them; it can be away."""
    jobs: MemoryWorker
    """Runs jobs when it is told to: `await box.jobs.run()`."""
    tables: MemoryTables

    @property
    def rows(self) -> Rows:
        """Everything that was committed, by table."""
        return self.tables.rows

    @property
    def changes(self) -> list[Change]:
        """What the revocation feed announced, in order."""
        return self.tables.changes


def sandbox(
    *,
    account_rules: AccountRules | None = None,
    address_rules: AddressRules | None = None,
    audit_rules: AuditRules | None = None,
    auth_rules: AuthRules | None = None,
    avatar_rules: AvatarRules | None = None,
    key_rules: KeyRules | None = None,
    limit_rules: LimitRules | None = None,
    mail_rules: MailRules | None = None,
    session_rules: SessionRules | None = None,
    jobs: MoreJobs | None = None,
) -> Sandbox:
    """A fresh, empty world: started, no account yet, no input or output, nothing shared with any other.

    It may be made anywhere, also where no event loop runs; rules are the defaults unless given, but for limits of
    throughput, which are off: time stands still, so that nothing would be regained. `jobs` adds kinds of
    jobs and schedules as it does for `open_revenge`. What Revenge itself does at a start has been done; what it does
    every minute (sealing the audit log) is left out, or it would be among the jobs of all who let time pass.
    """
    with _building:
        adapters, services = _containers()
        adapters.reset_singletons()
        services.reset_singletons()
        rules = Rules(
            accounts=account_rules or AccountRules(),
            addresses=address_rules or AddressRules(),
            api_keys=key_rules or KeyRules(),
            audit=audit_rules or AuditRules(),
            auth=auth_rules or AuthRules(),
            avatars=avatar_rules or AvatarRules(),
            limits=limit_rules or LimitRules(is_on=False),
            mail=mail_rules or MailRules(),
            sessions=session_rules or SessionRules(),
        )
        with adapters.auth_rules.override(rules.auth), services.rules.override(rules):
            tables, tokens = adapters.tables(), adapters.tokens()
            handlers, upkeep = services.handlers(), adapters.job_upkeep()
            box = Sandbox(
                revenge=services.revenge(),
                clock=adapters.clock(),
                ids=adapters.ids(),
                hasher=adapters.hasher(),
                mail=adapters.mailer(),
                database=adapters.probe(),
                pictures=adapters.pictures(),
                storage=adapters.storage(),
                elsewhere=adapters.checkpoint_shipper(),
                jobs=MemoryWorker(tables, adapters.job_store(), upkeep, handlers, adapters.sealer()),
                tables=tables,
            )
    key = tokens.new_key("sandbox", now=box.clock.now())
    box.tables.rows.signing_keys[key.kid] = key
    tokens.load((key,))
    register(box.revenge, handlers, jobs)
    schedules = [
        replace(one, at_start=one.at_start and one not in SCHEDULES)
        for one in handlers.schedules
        if one not in SCHEDULES or one.every >= _OFTEN
    ]
    upkeep.declare_in(box.tables.rows, schedules)
    box.revenge.health.mark_started()
    return box


_OFTEN: Final = timedelta(hours=1)
_building: Final = Lock()


@cache
def _containers() -> tuple[MemoryAdapters, Services]:
    """Made once and emptied for each sandbox: making them costs three times as much as all that is in them."""
    adapters = MemoryAdapters()
    return adapters, Services(adapters=adapters)
