"""From settings to the rules that services are given: they never see settings."""

from revenge_adapters.wiring.settings.records import Settings
from revenge_core.auth.entities import AuthRules
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


def session_rules(settings: Settings) -> SessionRules:
    """What the settings say about sessions."""
    given = settings.sessions
    return SessionRules(
        app=Lifetime(idle=given.app_idle, absolute=given.app_absolute),
        browser=Lifetime(idle=given.browser_idle, absolute=given.browser_absolute),
        tv=Lifetime(idle=given.tv_idle, absolute=given.tv_absolute),
        max_per_user=given.max_per_user,
    )
