"""Every setting: its name, type, range, default and meaning. All else about settings is derived from here.

A key is `section.name`; the environment spells it `REVENGE_SECTION_NAME`, and a TOML file `name` under `[section]`.
"""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, field

from revenge_adapters.wiring.settings.audit import Audit
from revenge_adapters.wiring.settings.cache import Cache
from revenge_adapters.wiring.settings.people import Accounts, ApiKeys, Avatar, CookieAuth, Limits, Storage
from revenge_adapters.wiring.settings.places import default_data_dir
from revenge_core.background import Queue
from revenge_core.entity import Entity
from revenge_core.jobs.entities import WORKERS
from revenge_core.secrets import Secret

Network = IPv4Network | IPv6Network

MASTER_SECRET_MIN_BYTES: Final = 32
"""Decisions I3: a shorter one is refused."""


class Server(Entity, kw_only=True):
    """Where the server listens, and what it accepts."""

    name: Annotated[
        str, Meta(min_length=1, max_length=100, description="What people see as the name of this server.")
    ] = "Revenge"
    host: Annotated[
        str,
        Meta(
            min_length=1,
            description="Address to listen on, IPv4 or IPv6. `127.0.0.1` is this machine alone; `0.0.0.0` or `::` is "
            "everybody who can reach it.",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port to listen on; 0 takes any that is free.")] = 8096
    unix_socket: Annotated[
        Path | None, Meta(description="Listen on this unix socket instead of `server.host` and `server.port`.")
    ] = None
    path_prefix: Annotated[
        str,
        Meta(
            description="Path under which a reverse proxy shows the server, such as `/revenge`; empty for none.",
        ),
    ] = ""
    public_url: Annotated[
        str | None,
        Meta(
            description="The address that people type, such as `https://media.example.org`, without a slash at its "
            "end. Links and tokens are made with it, never with what a request claims.",
        ),
    ] = None
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Meta(
            description="Networks of reverse proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed. "
            "Everybody else's are ignored.",
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins of web pages on other hosts that may call this server, such as `https://tv.lan`."),
    ] = ()
    docs: Annotated[bool, Meta(description="Whether the page that documents the API is served.")] = True
    max_body_bytes: Annotated[
        int, Meta(ge=1024, description="Longest request body, in bytes; a longer one is refused with 413.")
    ] = 1024 * 1024
    max_header_bytes: Annotated[
        int,
        Meta(ge=1024, description="Most that a request's headers may add up to, in bytes; more is refused with 431."),
    ] = 32 * 1024
    rate_limit_enabled: Annotated[
        bool, Meta(description="Whether `limits` apply. What keeps passwords from being guessed applies anyway.")
    ] = True
    cookie_auth: CookieAuth = CookieAuth()
    drain_timeout: Annotated[
        timedelta, Meta(description="How long requests that run may go on when the server is told to stop.")
    ] = timedelta(seconds=10)


class Database(Entity, kw_only=True):
    """PostgreSQL: a given one, or one of our own in the data directory."""

    url: Annotated[
        Secret | None,
        Meta(
            description="A PostgreSQL of your own (15 or newer), as the application uses it: "
            "`postgresql://user:password@host/name`. Without it Revenge runs one in its data directory.",
        ),
    ] = None
    owner_url: Annotated[
        Secret | None,
        Meta(
            description="The same database as the owner of its tables, who migrates it. Without it `database.url` "
            "does, and nothing but a trigger then protects the audit log from the application.",
        ),
    ] = None
    binaries: Annotated[
        Path | None,
        Meta(description="PostgreSQL's programs for the database of our own, if not those that Revenge finds."),
    ] = None
    pool_min: Annotated[int, Meta(ge=0, le=1000, description="Connections kept open.")] = 2
    pool_max: Annotated[int, Meta(ge=1, le=1000, description="Connections at most, per process.")] = 10
    pool_timeout: Annotated[
        timedelta, Meta(description="How long a request waits for a free connection before it is refused with 503.")
    ] = timedelta(seconds=3)
    statement_timeout: Annotated[
        timedelta, Meta(description="How long one statement may take before it is cancelled.")
    ] = timedelta(seconds=5)
    notifications: Annotated[
        bool,
        Meta(
            description="Whether to listen for notifications, which make a revocation known in milliseconds. Switch it "
            "off behind a connection pooler in transaction mode; revocations are then seen within two seconds.",
        ),
    ] = True


class Auth(Entity, kw_only=True):
    """Signing in."""

    jwt_secret: Annotated[
        Secret | None,
        Meta(
            description="The master secret, at least 32 bytes: it wraps the keys that sign access tokens. Without it "
            "one is made on the first start and kept in `secrets/master.key` in the data directory. Every server on "
            "one database needs the same.",
        ),
    ] = None
    access_token_lifetime: Annotated[
        timedelta, Meta(description="How long an access token is good before it must be refreshed.")
    ] = timedelta(minutes=15)
    password_min_length: Annotated[
        int, Meta(ge=8, le=128, description="Shortest password, in characters; 15 is advised (NIST SP 800-63B-4).")
    ] = 8
    bootstrap_token_lifetime: Annotated[
        timedelta, Meta(description="How long the printed token for making the first admin is good.")
    ] = timedelta(hours=24)
    reset_lifetime: Annotated[timedelta, Meta(description="How long the link for a forgotten password is good.")] = (
        timedelta(hours=1)
    )
    reauth_lifetime: Annotated[
        timedelta,
        Meta(description="How long after a sign-in sensitive things may be done without proving once more who one is."),
    ] = timedelta(minutes=10)


class Sessions(Entity, kw_only=True):
    """How long people stay signed in."""

    max_per_user: Annotated[
        int, Meta(ge=1, le=1000, description="Sessions that one user may have; the oldest beyond it end.")
    ] = 10
    app_idle: Annotated[timedelta, Meta(description="Applications: signed out after so long without use.")] = timedelta(
        days=30
    )
    app_absolute: Annotated[timedelta, Meta(description="Applications: signed out after so long anyway.")] = timedelta(
        days=90
    )
    browser_idle: Annotated[timedelta, Meta(description="Browsers: signed out after so long without use.")] = timedelta(
        days=30
    )
    browser_absolute: Annotated[timedelta, Meta(description="Browsers: signed out after so long anyway.")] = timedelta(
        days=90
    )
    tv_idle: Annotated[timedelta, Meta(description="Television sets: signed out after so long without use.")] = (
        timedelta(days=30)
    )
    tv_absolute: Annotated[timedelta, Meta(description="Television sets: signed out after so long anyway.")] = (
        timedelta(days=90)
    )


class Passwords(Entity, kw_only=True):
    """What hashing a password costs (Argon2id). Defaults are OWASP's; `revenge doctor` warns below them."""

    memory_kib: Annotated[int, Meta(ge=8, le=4 * 1024 * 1024, description="Memory per hash, in KiB.")] = 19456
    time_cost: Annotated[int, Meta(ge=1, le=100, description="Passes over that memory.")] = 2
    parallelism: Annotated[int, Meta(ge=1, le=64, description="Lanes of one hash.")] = 1
    threads: Annotated[int, Meta(ge=1, le=64, description="Hashes computed at the same time.")] = 2
    queue: Annotated[
        int, Meta(ge=0, le=100_000, description="Sign-ins that may wait for that; more are refused with 503.")
    ] = 80


class Log(Entity, kw_only=True):
    """The server's log, on standard error."""

    level: Annotated[
        Literal["debug", "error", "info", "warning"], Meta(description="The least important lines that are written.")
    ] = "info"
    format: Annotated[
        Literal["json", "text"], Meta(description="One JSON object per line for machines, or text for people.")
    ] = "text"


class Jobs(Entity, kw_only=True):
    """Work in the background: mail, cleaning up, whatever need not be done at once."""

    in_process: Annotated[
        bool,
        Meta(
            description="Whether `revenge serve`, and a program that embeds Revenge, runs jobs itself. Switch it off "
            "where `revenge worker` does.",
        ),
    ] = True
    queues: Annotated[
        tuple[Queue, ...],
        Meta(description="The queues that this process takes jobs from."),
    ] = tuple(WORKERS)
    module: Annotated[
        str | None,
        Meta(
            description="What adds kinds of jobs and schedules of your own to `revenge serve` and `revenge worker`, as "
            "`package.module:function`: the function that a program which embeds Revenge gives `open_revenge`. It is "
            "imported at the start, so its package must be installed beside Revenge.",
        ),
    ] = None
    streams: Annotated[
        tuple[Queue, ...],
        Meta(
            description="Queues of which jobs that need no database are also handed on to workers without one, through "
            "Dragonfly (`revenge worker --stream`). Alike in every process.",
        ),
    ] = ()
    max_workers: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="How many jobs one process runs at a time, of all five queues together: at 53, `critical` has "
            "20 of them, `high` 15, `default` 10, `low` 5 and `bulk` 3. Other numbers are shared out alike, and each "
            "queue has one at least.",
        ),
    ] = sum(WORKERS.values())
    poll_interval: Annotated[
        timedelta,
        Meta(description="How often a worker looks for jobs that no notification told it of."),
    ] = timedelta(seconds=1)
    stop_timeout: Annotated[
        timedelta,
        Meta(
            description="How long jobs that run may go on when the server or worker is told to stop. Then they are "
            "interrupted and go back into their queue; the attempt does not count. Requests have "
            "`server.drain_timeout` at the same time.",
        ),
    ] = timedelta(seconds=10)
    lease: Annotated[
        timedelta,
        Meta(description="Jobs of a worker that was not heard of for so long go to others. Alike in every process."),
    ] = timedelta(seconds=20)
    keep_completed: Annotated[timedelta, Meta(description="How long jobs are kept that were done.")] = timedelta(days=1)
    keep_cancelled: Annotated[timedelta, Meta(description="How long jobs are kept that were cancelled.")] = timedelta(
        days=1
    )
    keep_discarded: Annotated[timedelta, Meta(description="How long jobs are kept that failed for good.")] = timedelta(
        days=7
    )


class Smtp(Entity, kw_only=True):
    """The mail server that takes messages from this one."""

    host: Annotated[str | None, Meta(description="Its name or address, such as `smtp.example.org`.")] = None
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Its TCP port; 0 is the usual one: 465 with `email.smtp.use_tls`, else 587 with "
            "`email.smtp.use_starttls`, else 25.",
        ),
    ] = 0
    username: Annotated[
        str | None, Meta(description="Whom to log in as; without it nobody logs in. Needs TLS, unless on this machine.")
    ] = None
    password: Annotated[Secret | None, Meta(description="The password of `email.smtp.username`.")] = None
    use_tls: Annotated[
        bool,
        Meta(description="Talk TLS from the first byte, as port 465 wants it; `use_starttls` is then of no account."),
    ] = False
    use_starttls: Annotated[
        bool, Meta(description="Change to TLS with STARTTLS, as port 587 wants it; a server without it gets no mail.")
    ] = True
    skip_verify: Annotated[
        bool,
        Meta(
            description="Believe any certificate: whoever is between the two servers can then read mail, its links and "
            "the password. Better add the authority to the machine's, or name its file in `SSL_CERT_FILE`."
        ),
    ] = False
    timeout: Annotated[timedelta, Meta(description="How long to wait for each answer of the server.")] = timedelta(
        seconds=30
    )


class Email(Entity, kw_only=True):
    """Mail to people."""

    enabled: Annotated[
        bool,
        Meta(description="Whether mail is sent. Without it, what would be sent is dropped, with a line in the log."),
    ] = False
    provider: Annotated[
        Literal["console", "null", "smtp"],
        Meta(
            description="`smtp` hands mail to a mail server, `console` writes it to standard error for developers, "
            "`null` drops it."
        ),
    ] = "smtp"
    from_address: Annotated[
        str | None,
        Meta(
            description="Whom mail is from, such as `revenge@example.org`; what cannot be delivered comes back there."
        ),
    ] = None
    from_name: Annotated[
        str | None,
        Meta(description="The name beside that address.", extra={"default": "what `server.name` says"}),
    ] = None
    templates_dir: Annotated[
        Path | None,
        Meta(
            description="A folder with templates of your own for what Revenge writes; those that are missing there are "
            "the usual ones. `docs/operations.md` says how they look."
        ),
    ] = None
    smtp: Smtp = Smtp()


class Metrics(Entity, kw_only=True):
    """Numbers for Prometheus, on a port of their own that shows nothing else."""

    port: Annotated[
        int | None,
        Meta(
            ge=0,
            le=65535,
            description="TCP port on which metrics are shown; 0 takes any that is free. Without it nothing is counted. "
            "Each process needs its own.",
        ),
    ] = None
    host: Annotated[
        str,
        Meta(
            min_length=1,
            description="Address of that port. Nobody has to sign in there, so let no stranger reach it.",
        ),
    ] = "127.0.0.1"


class Settings(Entity, kw_only=True):
    """Everything that an operator may decide. Settings are frozen: changing one is a restart."""

    data_dir: Annotated[
        Path,
        Meta(
            description="Where Revenge keeps its files: its secrets, its database and the backups of that.",
            extra={"default": "`$XDG_DATA_HOME/revenge` or `~/.local/share/revenge`; `/var/lib/revenge` as root"},
        ),
    ] = field(default_factory=default_data_dir)
    server: Server = Server()
    database: Database = Database()
    cache: Cache = Cache()
    auth: Auth = Auth()
    accounts: Accounts = Accounts()
    apikeys: ApiKeys = ApiKeys()
    limits: Limits = Limits()
    avatar: Avatar = Avatar()
    storage: Storage = Storage()
    sessions: Sessions = Sessions()
    passwords: Passwords = Passwords()
    email: Email = Email()
    jobs: Jobs = Jobs()
    metrics: Metrics = Metrics()
    audit: Audit = Audit()
    log: Log = Log()
