"""What settings must hold together, beyond the type of each."""

import re
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from revenge_adapters.wiring.settings.audit import Audit
from revenge_adapters.wiring.settings.people import ApiKeys
from revenge_adapters.wiring.settings.records import MASTER_SECRET_MIN_BYTES, Email, Jobs, Server, Settings
from revenge_core.activity.policy import SHORTEST_RETENTION
from revenge_core.apikeys.policy import LIFETIME_MAX, OVERLAP_MAX
from revenge_core.mail.policy import NAME_MAX, address_problems, line_problems
from revenge_core.secrets import Secret

_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\Z")
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*\Z")
_PUBLIC_URL: Final = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*[^/?#\s])?\Z")
_ORIGIN: Final = re.compile(r"https?://[^/?#@\s]+\Z")
_HOST: Final = re.compile(r"[^\s/@\[\]:]+\Z|[0-9a-fA-F:.]+\Z")
_FUNCTION: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*\Z")
_TAKER: Final = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?\Z")
_SHIP_TO: Final = (
    "must be a path from the root, or an address such as `https://logs.example.org/revenge`; a password goes into "
    "audit.ship_token"
)
_TOKEN: Final = re.compile(r"[!-~]{1,4096}\Z")
_POSTGRES: Final = ("postgresql://", "postgres://")
_CACHE: Final = ("redis", "rediss", "unix")


def disagreements(settings: Settings) -> Iterator[tuple[str, str]]:
    """Key and problem of each value that cannot be used, alone or beside another."""
    auth, database, sessions = settings.auth, settings.database, settings.sessions
    if auth.jwt_secret is not None and len(auth.jwt_secret.reveal().encode()) < MASTER_SECRET_MIN_BYTES:
        yield (
            "auth.jwt_secret",
            f"is shorter than {MASTER_SECRET_MIN_BYTES} bytes; make one with `openssl rand -hex 32`, or leave it out",
        )
    for key, lifetime in (
        ("auth.access_token_lifetime", auth.access_token_lifetime),
        ("auth.bootstrap_token_lifetime", auth.bootstrap_token_lifetime),
        ("auth.reauth_lifetime", auth.reauth_lifetime),
        ("database.pool_timeout", database.pool_timeout),
        ("database.statement_timeout", database.statement_timeout),
        ("limits.guesses_regain", settings.limits.guesses_regain),
    ):
        if lifetime < timedelta(seconds=1):
            yield key, "must be at least 1s"
    for kind, idle, absolute in (
        ("app", sessions.app_idle, sessions.app_absolute),
        ("browser", sessions.browser_idle, sessions.browser_absolute),
        ("tv", sessions.tv_idle, sessions.tv_absolute),
    ):
        if idle < auth.access_token_lifetime:
            yield f"sessions.{kind}_idle", "must be at least as long as auth.access_token_lifetime"
        if absolute < idle:
            yield f"sessions.{kind}_absolute", f"must be at least as long as sessions.{kind}_idle"
    yield from _of_database(settings)
    passwords = settings.passwords
    if passwords.memory_kib < 8 * passwords.parallelism:
        yield "passwords.memory_kib", "must be at least 8 for each of passwords.parallelism (RFC 9106)"
    yield from _of_server(settings.server)
    yield from _of_email(settings.email)
    yield from _of_cache(settings)
    yield from _of_jobs(settings.jobs)
    yield from _of_audit(settings.audit)
    yield from _of_api_keys(settings.apikeys)


def _of_server(server: Server) -> Iterator[tuple[str, str]]:
    if not _PREFIX.match(server.path_prefix):
        yield (
            "server.path_prefix",
            f"{server.path_prefix!r} is not a path such as `/revenge`, without a slash at its end",
        )
    if server.public_url is not None and not _PUBLIC_URL.match(server.public_url):
        yield (
            "server.public_url",
            f"{server.public_url!r} is not an address such as `https://media.example.org`, without a slash at its end",
        )
    if server.cookie_auth.domain is not None and not _DOMAIN.match(server.cookie_auth.domain):
        yield "server.cookie_auth.domain", f"{server.cookie_auth.domain!r} is not a domain such as `example.org`"
    plain = server.public_url is not None and server.public_url.startswith("http://")
    if server.cookie_auth.enabled and server.cookie_auth.same_site == "none" and plain:
        yield "server.cookie_auth.same_site", "none needs HTTPS: browsers keep such cookies over TLS alone"
    for origin in server.cors_origins:
        if not _ORIGIN.match(origin):
            yield "server.cors_origins", f"{origin!r} is not an origin such as `https://tv.lan`: scheme and host only"


def _of_email(email: Email) -> Iterator[tuple[str, str]]:
    smtp = email.smtp
    if email.from_address is not None:
        yield from (("email.from_address", one.detail) for one in address_problems(email.from_address, ""))
    if email.from_name is not None:
        name_problems = line_problems(email.from_name, "", at_least=0, at_most=NAME_MAX)
        yield from (("email.from_name", one.detail) for one in name_problems)
    if smtp.host is not None and not _HOST.match(smtp.host):
        yield "email.smtp.host", f"{smtp.host!r} is not the name or address of a host; the port is email.smtp.port"
    if smtp.timeout < timedelta(seconds=1):
        yield "email.smtp.timeout", "must be at least 1s"
    if email.enabled and email.provider == "smtp":
        yield from _of_smtp(email)


def _of_smtp(email: Email) -> Iterator[tuple[str, str]]:
    """What is asked for only where mail is to be sent."""
    from revenge_adapters.mail_smtp import is_this_machine

    smtp = email.smtp
    if find_spec("aiosmtplib") is None:
        yield "email.provider", "smtp needs the package aiosmtplib, which `revenge[worker]` installs"
    if email.from_address is None:
        yield "email.from_address", "is needed to send mail, such as `revenge@example.org`"
    if smtp.host is None:
        yield "email.smtp.host", "is needed to send mail, such as `smtp.example.org`"
    if smtp.username is not None and smtp.password is None:
        yield "email.smtp.password", "is needed beside email.smtp.username"
    if smtp.password is not None and smtp.username is None:
        yield "email.smtp.username", "is needed beside email.smtp.password"
    in_the_clear = not (smtp.use_tls or smtp.use_starttls)
    if smtp.username is not None and in_the_clear and smtp.host is not None and not is_this_machine(smtp.host):
        yield (
            "email.smtp.use_starttls",
            "would send the password readable for everybody on the way; set this or email.smtp.use_tls to true",
        )


def _of_cache(settings: Settings) -> Iterator[tuple[str, str]]:
    cache = settings.cache
    if cache.url is not None and not _is_cache(cache.url):
        yield "cache.url", "must be like `redis://:password@host:6379/0`, `rediss://…` or `unix:///path`"
    if cache.url is not None and cache.enabled and find_spec("redis") is None:
        yield "cache.url", "needs the package redis, which `revenge[dragonfly]` installs"
    if settings.jobs.streams and (cache.url is None or not cache.enabled):
        yield "jobs.streams", "is of no use without cache.url; set that too, or leave both out"


def _is_cache(url: Secret) -> bool:
    """Whether the driver can read it. What is wrong is not told: it may be a part of the password."""
    try:
        parts = urlsplit(url.reveal())
        named = parts.path if parts.scheme == "unix" else parts.hostname
        return parts.scheme in _CACHE and bool(named) and parts.port != 0
    except ValueError:  # the port is no number
        return False


def _of_jobs(jobs: Jobs) -> Iterator[tuple[str, str]]:
    if jobs.module is not None and not _FUNCTION.match(jobs.module):
        yield "jobs.module", f"{jobs.module!r} names no function; write it like `package.module:function`"
    if not jobs.queues:
        yield "jobs.queues", "must name one queue at least; to run no jobs here, set jobs.in_process to false"
    if not timedelta(milliseconds=100) <= jobs.poll_interval <= timedelta(minutes=1):
        yield "jobs.poll_interval", "must be from 100ms to 1m"
    if jobs.lease < timedelta(seconds=4):
        yield "jobs.lease", "must be at least 4s: it is renewed four times in that time"
    for key, time in (
        ("jobs.stop_timeout", jobs.stop_timeout),
        ("jobs.keep_completed", jobs.keep_completed),
        ("jobs.keep_cancelled", jobs.keep_cancelled),
        ("jobs.keep_discarded", jobs.keep_discarded),
    ):
        if time < timedelta(0):
            yield key, "must not be negative"


def _of_api_keys(keys: ApiKeys) -> Iterator[tuple[str, str]]:
    if not timedelta(hours=1) <= keys.lifetime <= LIFETIME_MAX:
        yield "apikeys.lifetime", f"must be from 1h to {LIFETIME_MAX.days}d"
    if not timedelta(0) <= keys.overlap <= OVERLAP_MAX:
        yield "apikeys.overlap", f"must be from 0s to {OVERLAP_MAX.days}d"
    if not timedelta(0) <= keys.reminder <= LIFETIME_MAX:
        yield "apikeys.reminder", f"must be from 0s to {LIFETIME_MAX.days}d"


def _of_audit(audit: Audit) -> Iterator[tuple[str, str]]:
    if audit.retention < SHORTEST_RETENTION:
        yield "audit.retention", f"must be at least {SHORTEST_RETENTION.days}d"
    place = audit.ship_to
    if place is not None and not place.startswith("/") and not _TAKER.match(place):
        yield "audit.ship_to", _SHIP_TO
    if audit.ship_token is not None and (place is None or not place.startswith("https://")):
        yield "audit.ship_token", "is of no use without an https address in audit.ship_to"
    if audit.ship_token is not None and not _TOKEN.match(audit.ship_token.reveal()):
        yield "audit.ship_token", "holds characters that no header can carry"


def _of_database(settings: Settings) -> Iterator[tuple[str, str]]:
    database = settings.database
    for key, url in (("database.url", database.url), ("database.owner_url", database.owner_url)):
        if url is None:
            continue
        if not url.reveal().startswith(_POSTGRES):
            yield key, "must begin with `postgresql://`, as in `postgresql://user:password@host/name`"
        elif not _is_understood(url):
            yield (
                key,
                "is not an address that PostgreSQL understands; in a password, percent-encode `/`, `@` and `%` (`%2F`)",
            )
    if database.owner_url is not None and database.url is None:
        yield "database.owner_url", "is of no use without database.url; set that too, or leave both out"
    if database.pool_max < database.pool_min:
        yield "database.pool_max", "must be at least database.pool_min"


def _is_understood(url: Secret) -> bool:
    """Whether the driver can read it. Its own complaint is not told: it repeats what may be a part of the password."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        ports = str(conninfo_to_dict(url.reveal()).get("port") or "")
    except psycopg.ProgrammingError:
        return False
    return all(port.isdecimal() or not port for port in ports.split(","))
