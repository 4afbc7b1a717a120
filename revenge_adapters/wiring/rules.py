"""From settings to the rules that services are given: they never see settings."""

from datetime import timedelta

from revenge_adapters.wiring.settings.records import Settings
from revenge_core.accounts.entities import AccountRules, Registration
from revenge_core.activity.entities import AuditRules
from revenge_core.apikeys.entities import KeyRules
from revenge_core.auth.entities import Allowance, AuthRules, GuessRules
from revenge_core.entity import Entity
from revenge_core.jobs.entities import WORKERS, JobRules
from revenge_core.limits.entities import LimitRules, Quota
from revenge_core.mail.entities import Mailbox, MailRules
from revenge_core.sessions.entities import Lifetime, SessionRules
from revenge_core.users.entities import AddressRules, AvatarRules


class Rules(Entity, kw_only=True):
    """What the host decided, as each service is told it."""

    accounts: AccountRules = AccountRules()
    addresses: AddressRules = AddressRules()
    audit: AuditRules = AuditRules()
    api_keys: KeyRules = KeyRules()
    auth: AuthRules = AuthRules()
    avatars: AvatarRules = AvatarRules()
    limits: LimitRules = LimitRules()
    mail: MailRules = MailRules()
    sessions: SessionRules = SessionRules()


def rules_of(settings: Settings) -> Rules:
    """What the settings say."""
    return Rules(
        accounts=account_rules(settings),
        addresses=AddressRules(
            verify_lifetime=settings.accounts.verification_lifetime,
            must_verify=settings.accounts.verification_required,
        ),
        api_keys=key_rules(settings),
        audit=AuditRules(retention=settings.audit.retention),
        auth=auth_rules(settings),
        avatars=AvatarRules(
            max_bytes=settings.avatar.max_size_bytes, media_types=frozenset(settings.avatar.allowed_types)
        ),
        limits=limit_rules(settings),
        mail=mail_rules(settings),
        sessions=session_rules(settings),
    )


def account_rules(settings: Settings) -> AccountRules:
    """What the settings say about accounts."""
    accounts = settings.accounts
    return AccountRules(
        registration=Registration(accounts.registration),
        bootstrap_lifetime=settings.auth.bootstrap_token_lifetime,
        grace=accounts.deletion_grace,
        invitation_lifetime=accounts.invitation_lifetime,
        export_lifetime=accounts.export_lifetime,
        export_max_bytes=accounts.export_max_bytes,
    )


def key_rules(settings: Settings) -> KeyRules:
    """What the settings say about API keys."""
    given = settings.apikeys
    return KeyRules(
        max_per_user=given.max_per_user,
        lifetime=given.lifetime,
        may_last_forever=given.may_last_forever,
        overlap=given.overlap,
        reminded_before=given.reminder,
    )


def limit_rules(settings: Settings) -> LimitRules:
    """What the settings say about throughput."""
    limits, minute = settings.limits, timedelta(minutes=1)
    return LimitRules(
        is_on=settings.server.rate_limit_enabled,
        everything=Quota(burst=limits.global_burst, window=timedelta(seconds=limits.global_burst / limits.global_rate)),
        login=Quota(burst=limits.login_per_minute, window=minute),
        account=Quota(burst=limits.account_per_minute, window=minute),
        refresh=Quota(burst=limits.refresh_per_minute, window=minute),
    )


def public_url(settings: Settings) -> str:
    """Where links lead: the configured public URL, else where this server listens."""
    server = settings.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    return server.public_url or f"http://{host}:{server.port}{server.path_prefix}"


def auth_rules(settings: Settings) -> AuthRules:
    """What the settings say about signing in."""
    return AuthRules(
        server_name=settings.server.name,
        password_min_length=settings.auth.password_min_length,
        access_token_lifetime=settings.auth.access_token_lifetime,
        reset_lifetime=settings.auth.reset_lifetime,
        proof_lifetime=settings.auth.reauth_lifetime,
        guesses=GuessRules(
            per_pair=Allowance(burst=settings.limits.guesses_burst, regain=settings.limits.guesses_regain)
        ),
    )


def mail_rules(settings: Settings) -> MailRules:
    """What the settings say about mail."""
    email = settings.email
    return MailRules(
        sender=Mailbox(
            address=email.from_address or "revenge@localhost",
            name=settings.server.name if email.from_name is None else email.from_name,
        ),
        public_url=public_url(settings),
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
