"""From settings to whoever writes mail and takes it."""

import logging
from typing import Final

from revenge_adapters.mail_console import ConsoleMailer
from revenge_adapters.mail_null import NullMailer
from revenge_adapters.mail_smtp import Security, SmtpMailer, SmtpServer
from revenge_adapters.mail_templates import FileTemplates
from revenge_adapters.wiring.settings.records import Settings, Smtp
from revenge_core.mail.ports import Mailer, NoticeTemplates

_log: Final = logging.getLogger("revenge.mail")
USUAL_PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}


def mailer(settings: Settings) -> Mailer:
    """Who takes the mail of this server."""
    if not settings.email.enabled:
        return NullMailer()
    match settings.email.provider:
        case "console":
            return ConsoleMailer()
        case "null":
            return NullMailer()
        case "smtp":
            return SmtpMailer(smtp_server(settings.email.smtp))


def notice_templates(settings: Settings) -> NoticeTemplates:
    """The words of what this server writes. What is wrong with the host's own is told once here, and at each use."""
    templates = FileTemplates(settings.email.templates_dir)
    for problem in templates.problems:
        _log.warning("%s", problem)
    return templates


def smtp_server(smtp: Smtp) -> SmtpServer:
    """The mail server that the settings name."""
    if smtp.use_tls:
        security = Security.TLS
    elif smtp.use_starttls:
        security = Security.STARTTLS
    else:
        security = Security.NONE
    return SmtpServer(
        host=smtp.host or "localhost",
        port=smtp.port or USUAL_PORTS[security],
        security=security,
        username=smtp.username,
        password=smtp.password,
        verify=not smtp.skip_verify,
        timeout=smtp.timeout,
    )
