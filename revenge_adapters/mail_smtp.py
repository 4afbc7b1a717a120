"""Mail through a mail server (SMTP, RFC 5321), by aiosmtplib."""

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from revenge_core.entity import Entity
from revenge_core.mail.entities import Message
from revenge_core.mail.errors import MailRefused, MailUnavailable
from revenge_core.mail.policy import wire_address
from revenge_core.mail.ports import Mailer
from revenge_core.secrets import Secret

if TYPE_CHECKING:
    from aiosmtplib import SMTP, SMTPResponseException

JUDGING: Final = timedelta(minutes=2)
"""How long a server may look at a whole message before it answers (RFC 5321, 4.5.3.2.6, allows more). Giving up while
it still takes the message would have it sent twice."""
LEAVING: Final = timedelta(seconds=2)
ANSWER_MAX: Final = 300
LOGIN_REFUSED: Final = frozenset({530, 534, 535, 538})
"""Answers about this server's login (RFC 4954), not about the message that it sends."""
TOO_LARGE: Final = 552
PERMANENT: Final = range(500, 600)
HIDDEN: Final = "…"

_MAYBE_SECRET: Final = re.compile(r"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{6,}")
"""Codes and tokens hold a digit."""
_FULL_NAME: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\Z")

_log = logging.getLogger("revenge.mail")


class Security(StrEnum):
    """How the way to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class SmtpServer(Entity, kw_only=True):
    """A mail server, and how to be let in."""

    host: str
    port: int
    security: Security = Security.STARTTLS
    username: str | None = None
    password: Secret | None = None
    verify: bool = True
    """Whether its certificate must be good, and its own."""
    timeout: timedelta = timedelta(seconds=30)
    """For the connection, and for each answer."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.host}:{self.port}"


def is_this_machine(host: str) -> bool:
    """Whether what is sent there never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class SmtpMailer(Mailer):
    """One connection for each message: a broken one costs nobody else anything.

    Raises (when made):
        ValueError: the password would be sent readable over a network.
    """

    def __init__(self, server: SmtpServer) -> None:
        if server.username and server.security is Security.NONE and not is_this_machine(server.host):
            raise ValueError(f"logging in at {server.name} needs TLS or STARTTLS")
        self._server = server
        self._name: str | None = None

    @override
    async def send(self, message: Message) -> str:
        async with self._connected() as smtp:
            with self._judging(message):
                answer = await self._hand_over(smtp, message)
        _log.info("message %s was taken by %s: %s", message.id, self._server.name, answer)
        return answer

    async def greet(self) -> str:
        """Connect, log in where that is wanted, and leave; how the server names itself.

        Raises:
            MailUnavailable: it would take no message now.
        """
        async with self._connected() as smtp:
            greeting = smtp.last_ehlo_response or smtp.last_helo_response
            return self._told(greeting.code, greeting.message) if greeting else ""

    async def _hand_over(self, smtp: "SMTP", message: Message) -> str:
        from revenge_adapters.mail_mime import rendered  # servers without mail need not load it

        sender, to = wire_address(message.sender.address), wire_address(message.email.to)
        utf8 = not (sender + to + wire_address(message.email.reply_to or "")).isascii()
        if utf8 and not smtp.supports_extension("smtputf8"):
            raise MailRefused(f"{self._server.name} does not know international addresses (SMTPUTF8)")
        raw = rendered(message, utf8=utf8)
        options = [f"SIZE={len(raw)}"] if smtp.supports_extension("size") else []
        await smtp.mail(sender, options=[*options, *(["SMTPUTF8"] if utf8 else [])], encoding="utf-8")
        await smtp.rcpt(to, encoding="utf-8")
        response = await smtp.data(raw, timeout=max(self._server.timeout, JUDGING).total_seconds())
        return self._told(response.code, response.message, message)

    @asynccontextmanager
    async def _connected(self) -> "AsyncGenerator[SMTP]":
        """A line to the server, as safe as it has to be, with this server logged in."""
        from aiosmtplib import SMTP, SMTPException

        server = self._server
        smtp = SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=await self._own_name(),
            timeout=server.timeout.total_seconds(),
            use_tls=server.security is Security.TLS,
            start_tls=False,
            tls_context=await asyncio.to_thread(lambda: self._tls),
        )
        try:
            with self._entering():
                await smtp.connect()
                await _hello(smtp)
                if server.security is Security.STARTTLS:
                    await self._start_tls(smtp)
                if server.username is not None:
                    await smtp.login(server.username, server.password.reveal() if server.password else "")
            try:
                yield smtp
            except asyncio.CancelledError:
                smtp.close()  # there is no time for manners
                raise
            finally:
                with suppress(SMTPException):  # how the server says goodbye changes nothing
                    await smtp.quit(timeout=LEAVING.total_seconds())
        finally:
            smtp.close()

    async def _start_tls(self, smtp: "SMTP") -> None:
        if not smtp.supports_extension("starttls"):
            raise MailUnavailable(
                f"{self._server.name} does not offer STARTTLS, so everybody on the way could read and change mail. "
                "Use its TLS port with email.smtp.use_tls, or see who answers there"
            )
        await smtp.starttls()
        await _hello(smtp)  # what it offered before could have been anybody's (RFC 3207, 4.2)

    @contextmanager
    def _entering(self) -> Generator[None]:
        """What goes wrong before there is a message concerns all of them: an administrator mends it."""
        from aiosmtplib import SMTPAuthenticationError, SMTPException, SMTPResponseException

        name = self._server.name
        try:
            yield
        except SMTPAuthenticationError as problem:
            raise MailUnavailable(
                f"{name} does not let this server in: {self._told(problem.code, problem.message)}. See "
                "email.smtp.username and email.smtp.password"
            ) from None
        except SMTPResponseException as problem:
            raise MailUnavailable(
                f"{name} does not want to talk to this server: {self._told(problem.code, problem.message)}"
            ) from None
        except (SMTPException, OSError) as problem:
            if distrust := _certificate_problem(problem):
                raise MailUnavailable(
                    f"The certificate of {name} cannot be trusted: {distrust}. Correct email.smtp.host, or name "
                    "the file of its authority in SSL_CERT_FILE"
                ) from problem
            raise MailUnavailable(
                f"{name} cannot be reached: {_in_words(problem)}. See that email.smtp.host and email.smtp.port are "
                "right, and that the port speaks as email.smtp.use_tls and email.smtp.use_starttls say"
            ) from problem

    @contextmanager
    def _judging(self, message: Message) -> Generator[None]:
        """What the server answers to a message and to who it is for."""
        from aiosmtplib import SMTPException, SMTPResponseException

        name = self._server.name
        try:
            yield
        except SMTPResponseException as problem:
            answer = self._told(problem.code, problem.message, message)
            # The original would show in tracebacks what is hidden in the answer.
            if _is_final(problem):
                raise MailRefused(f"{name} refuses the message for good: {answer}") from None
            raise MailUnavailable(f"{name} does not take the message now: {answer}") from None
        except (SMTPException, OSError) as problem:
            raise MailUnavailable(
                f"{name} broke off, and nobody knows whether it took the message: {_in_words(problem)}"
            ) from problem

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Reads the machine's authorities, which takes a moment; TLS 1.2 at least."""
        context = ssl.create_default_context()
        if not self._server.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def _own_name(self) -> str:
        """How this server introduces itself: its full name, else an address (RFC 5321, 4.1.3)."""
        if self._name is None:
            try:
                async with asyncio.timeout(self._server.timeout.total_seconds()):
                    name = await asyncio.to_thread(socket.getfqdn)
            except TimeoutError:
                name = ""
            self._name = name if _FULL_NAME.match(name) else "[127.0.0.1]"
        return self._name

    def _told(self, code: int, text: str, message: Message | None = None) -> str:
        """The answer on one line, without what servers that repeat things may have repeated."""
        start = f"{code} {text}"[: 3 * ANSWER_MAX]
        line = "".join(one if one.isprintable() else "?" for one in " ".join(start.split()))
        if self._server.password is not None:
            line = line.replace(self._server.password.reveal(), HIDDEN)
        if message is not None:
            email = message.email
            body = email.text.reveal() + (email.html.reveal() if email.html else "")
            line = line.replace(email.to, HIDDEN)
            line = _MAYBE_SECRET.sub(lambda part: HIDDEN if part[0] in body else part[0], line)
        return line if len(line) <= ANSWER_MAX else line[:ANSWER_MAX] + "…"


async def _hello(smtp: "SMTP") -> None:
    from aiosmtplib import SMTPHeloError

    try:
        await smtp.ehlo()
    except SMTPHeloError as problem:
        if problem.code not in PERMANENT:
            raise
        await smtp.helo()


def _is_final(problem: "SMTPResponseException") -> bool:
    """Whether it is about this message. What a server has against the sender, it has against all we send."""
    from aiosmtplib import SMTPSenderRefused

    if isinstance(problem, SMTPSenderRefused):
        return problem.code == TOO_LARGE
    return problem.code in PERMANENT and problem.code not in LOGIN_REFUSED


def _certificate_problem(problem: BaseException | None) -> str | None:
    while problem is not None:
        if isinstance(problem, ssl.SSLCertVerificationError):
            return problem.verify_message
        problem = problem.__cause__ or problem.__context__
    return None


def _in_words(problem: Exception) -> str:
    return " ".join(str(problem).split()) or type(problem).__name__
