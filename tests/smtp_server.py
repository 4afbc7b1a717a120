"""A mail server of the test's own, in its event loop, that can be told to misbehave."""

import asyncio
import email
import email.policy
import ssl
import warnings
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from revenge_core.mail.entities import Email, Mailbox, Message
from revenge_core.secrets import Secret

HANG: Final = "hang"
"""Instead of an answer: none, until the client has gone. A message is taken all the same."""
SLOW: Final = "slow"
SLOWLY: Final = timedelta(seconds=1.5)
"""Before the usual answer, this much time."""
DROP: Final = "drop"
"""Instead of an answer: the connection is cut. A message is taken all the same."""


class MailServer:
    """Takes every message, unless the next answer to a command is given in `answers`."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        users: dict[str, str] | None = None,
        utf8: bool = True,
    ) -> None:
        self.answers: defaultdict[str, deque[str]] = defaultdict(deque)
        """By command, `EHLO`, `MAIL`, `RCPT` or `DATA`: what is answered next instead of the usual."""
        self.unknown: set[str] = set()
        """Addresses that nobody has."""
        self.is_away = False
        """Whether everybody is sent away at once."""
        self.hanging = asyncio.Event()
        """Somebody waits for an answer that does not come."""
        self.raw: list[bytes] = []
        """What was taken, byte for byte."""
        self.messages: list[Message] = []
        self.goodbyes = 0
        """How many left as one should."""
        self.logins: list[str] = []
        """Who tried to log in."""
        self._tls = tls
        self._users = users
        self._options: dict[str, Any] = {"enable_SMTPUTF8": utf8, "hostname": "mx.example.org", "ident": "test"}
        if starttls is not None:
            self._options |= {"tls_context": starttls}
        if users is not None:
            self._options |= {"authenticator": self._authenticate, "auth_require_tls": False, "auth_required": True}
        self._sessions: list[SMTP] = []
        self._server: asyncio.Server | None = None
        self._released = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._released.set()
        assert self._server is not None
        self._server.close()
        for session in self._sessions:
            if isinstance(session.transport, asyncio.Transport):
                session.transport.abort()
        talks = [session._handler_coroutine for session in self._sessions if session._handler_coroutine is not None]
        for talk in talks:  # one whose handshake failed never ends by itself
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def _session(self) -> SMTP:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # logging in without TLS is what we test
            self._sessions.append(SMTP(self, loop=asyncio.get_running_loop(), **self._options))
        return self._sessions[-1]

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        assert self._users is not None
        self.logins.append(given.login.decode())
        right = self._users.get(given.login.decode()) == given.password.decode()
        return AuthResult(success=right, handled=False)

    async def _misbehave(self, server: SMTP, command: str) -> str | None:
        if self.is_away:
            return "421 4.3.2 come back later"
        if not self.answers[command]:
            return None
        answer = self.answers[command].popleft()
        if answer == SLOW:
            await asyncio.sleep(SLOWLY.total_seconds())
            return None
        if answer == HANG:
            self.hanging.set()
            await self._released.wait()
        if answer in {HANG, DROP}:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "421 4.4.2 gone"
        return answer

    # What aiosmtpd asks a handler.

    async def handle_EHLO(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        answer = await self._misbehave(server, "EHLO")
        return [answer] if answer else responses

    async def handle_MAIL(  # noqa: N802 -- the same
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await self._misbehave(server, "MAIL"):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 -- the same
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if answer := await self._misbehave(server, "RCPT"):
            return answer
        if address in self.unknown:
            return f"550 5.1.1 <{address}> nobody of that name here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- the same
        is_taken = not self.answers["DATA"] or self.answers["DATA"][0] in {DROP, HANG, SLOW}
        if is_taken:
            assert envelope.original_content is not None
            self.raw.append(envelope.original_content)
            self.messages.append(_read(envelope.original_content, envelope))
        return await self._misbehave(server, "DATA") or f"250 2.0.0 OK: queued as {len(self.raw)}"

    async def handle_QUIT(self, server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 -- the same
        self.goodbyes += 1
        return await self._misbehave(server, "QUIT") or "221 Bye"


def _read(raw: bytes, envelope: Envelope) -> Message:
    """The message as its reader sees it."""
    mime = email.message_from_string(raw.decode(), policy=email.policy.default)
    assert isinstance(mime, EmailMessage)
    assert mime["Auto-Submitted"] == "auto-generated"
    (sender,), (to,) = mime["From"].addresses, mime["To"].addresses
    assert envelope.mail_from == sender.addr_spec
    assert envelope.rcpt_tos == [to.addr_spec]
    plain, html = mime.get_body(("plain",)), mime.get_body(("html",))
    assert plain is not None
    return Message(
        id=mime["Message-ID"].strip("<>"),
        date=mime["Date"].datetime,
        sender=Mailbox(address=_address(sender), name=sender.display_name),
        email=Email(
            to=_address(to),
            subject=str(mime["Subject"]),
            text=Secret(plain.get_content().replace("\r\n", "\n")),
            html=Secret(html.get_content().replace("\r\n", "\n")) if html else None,
            reply_to=_address(mime["Reply-To"].addresses[0]) if "Reply-To" in mime else None,
        ),
    )


def _address(address: Address) -> str:
    """Without quotes, and with the domain as people write it."""
    domain = address.domain
    return f"{address.username}@{domain.encode().decode('idna') if domain.isascii() else domain}"


def self_signed(folder: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """What a server needs to talk TLS under that address, and the file that a client needs to trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    trusted = folder / "authority.pem"
    trusted.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret = folder / "key.pem"
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, secret)
    return context, trusted
