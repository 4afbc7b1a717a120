"""From settings to the rules that services are given: they never see settings."""

from revenge_adapters.wiring.settings.records import Settings
from revenge_core.auth.entities import AuthRules
from revenge_core.jobs.entities import WORKERS, JobRules
from revenge_core.mail.entities import Mailbox, MailRules
from revenge_core.sessions.entities import Lifetime, SessionRules


def auth_rules(settings: Settings) -> AuthRules:
    """What the settings say about signing in."""
    return AuthRules(
        server_name=settings.server.name,
        password_min_length=settings.auth.password_min_length,
        access_token_lifetime=settings.auth.access_token_lifetime,
        bootstrap_token_lifetime=settings.auth.bootstrap_token_lifetime,
    )


def mail_rules(settings: Settings) -> MailRules:
    """What the settings say about mail."""
    email = settings.email
    return MailRules(
        sender=Mailbox(
            address=email.from_address or "revenge@localhost",
            name=settings.server.name if email.from_name is None else email.from_name,
        ),
        is_on=email.enabled,
    )


def job_rules(settings: Settings) -> JobRules:
    """What the settings say about jobs."""
    jobs = settings.jobs
    return JobRules(
        lease=jobs.lease,
        keep_completed=jobs.keep_completed,
        keep_cancelled=jobs.keep_cancelled,
        keep_discarded=jobs.keep_discarded,
    )


def workers_per_queue(settings: Settings) -> dict[str, int]:
    """How many jobs of each queue this process runs at a time; queues that it does not serve are left out."""
    all_workers, usual = settings.jobs.max_workers, sum(WORKERS.values())
    return {queue.value: max(1, WORKERS[queue] * all_workers // usual) for queue in settings.jobs.queues}


def session_rules(settings: Settings) -> SessionRules:
    """What the settings say about sessions."""
    given = settings.sessions
    return SessionRules(
        app=Lifetime(idle=given.app_idle, absolute=given.app_absolute),
        browser=Lifetime(idle=given.browser_idle, absolute=given.browser_absolute),
        tv=Lifetime(idle=given.tv_idle, absolute=given.tv_absolute),
        max_per_user=given.max_per_user,
    )
