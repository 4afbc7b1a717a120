"""Who runs which jobs, and what comes again and again: one line per kind, one per schedule."""

from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from typing import Final, TypeAlias, cast

from revenge_adapters.wiring.settings.errors import Problem, SettingsInvalid
from revenge_adapters.wiring.settings.records import Settings
from revenge_core.accounts import jobs as accounts
from revenge_core.activity import jobs as activity
from revenge_core.apikeys import jobs as apikeys
from revenge_core.auth import jobs as auth
from revenge_core.background import Schedule
from revenge_core.idempotency import jobs as idempotency
from revenge_core.jobs import Handlers
from revenge_core.mail.jobs import SendEmail
from revenge_core.revenge import Revenge
from revenge_core.sessions import jobs as sessions
from revenge_core.users import jobs as users

MoreJobs: TypeAlias = Callable[[Revenge, Handlers], None]
"""How an embedding program adds kinds and schedules of its own."""

SCHEDULES: Final[tuple[Schedule, ...]] = (
    *accounts.SCHEDULES,
    *activity.SCHEDULES,
    *apikeys.SCHEDULES,
    *auth.SCHEDULES,
    *idempotency.SCHEDULES,
    *sessions.SCHEDULES,
    *users.SCHEDULES,
)


def register(revenge: Revenge, handlers: Handlers, more: MoreJobs | None = None) -> None:
    """Tell `handlers` all that this program runs.

    Raises:
        ValueError: two run the same kind, a spec or a schedule breaks a rule, or nobody runs a schedule's job.
    """
    handlers.add(accounts.BuildExport, revenge.exports.build)
    handlers.add(accounts.EraseFiles, revenge.accounts.erase_files)
    handlers.add(accounts.Purge, revenge.accounts.purge)
    handlers.add(activity.DropOld, revenge.audit.drop_old)
    handlers.add(activity.EraseTraces, revenge.audit.erase)
    handlers.add(activity.MakeMonths, revenge.activity.make_months)
    handlers.add(activity.SealEntries, revenge.audit.seal)
    handlers.add(activity.ShipCheckpoints, revenge.audit.ship)
    handlers.add(apikeys.KeyMaintenance, revenge.api_keys.maintain)
    handlers.add(auth.CleanUp, revenge.auth.clean_up)
    handlers.add(auth.SendReset, revenge.recovery.send)
    handlers.add(idempotency.ForgetAttempts, revenge.idempotency.clean_up)
    handlers.add(SendEmail, revenge.mail.deliver)
    handlers.add(sessions.SessionMaintenance, revenge.sessions.maintain)
    handlers.add(users.SweepAvatars, revenge.avatars.sweep)
    if more is not None:
        more(revenge, handlers)
    handlers.add_schedules(SCHEDULES)


def named_jobs(settings: Settings) -> MoreJobs | None:
    """The function that `jobs.module` names; None where the setting is not given.

    Raises:
        SettingsInvalid: it cannot be imported, or is nothing that can be called.
    """
    named = settings.jobs.module
    if named is None:
        return None
    module, _, name = named.partition(":")
    try:
        function: object = attrgetter(name)(import_module(module))
    except Exception as problem:  # importing runs whatever somebody wrote
        raise _unusable(
            f"{named} cannot be imported ({type(problem).__name__}: {problem}). Install its package beside Revenge, or "
            "name its directory in PYTHONPATH"
        ) from problem
    if not callable(function):
        raise _unusable(f"{named} is no function; it is called with a `Revenge` and its `Handlers`")
    return cast(MoreJobs, function)


def _unusable(detail: str) -> SettingsInvalid:
    return SettingsInvalid([Problem(key="jobs.module", source="at start", detail=detail)])
