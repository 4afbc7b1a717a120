"""Look at everything that Revenge needs, and change nothing (conventions: doctor).

A database of our own that is stopped is started for the look and stopped again; one that was never made is left alone.
"""

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from revenge_adapters.mail_smtp import Security, SmtpMailer, is_this_machine
from revenge_adapters.mail_templates import FileTemplates
from revenge_adapters.postgres.auth import PostgresSigningKeys
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.migrate import MigrationError, status
from revenge_adapters.tokens_joserfc import JoserfcAccessTokens
from revenge_adapters.wiring.cache import opened_cache
from revenge_adapters.wiring.calibrate import OWASP_MINIMUM
from revenge_adapters.wiring.doctor_audit import audit_state, troubles
from revenge_adapters.wiring.mail import smtp_server
from revenge_adapters.wiring.place import OLDEST_POSTGRESQL, Place, borrowed_place, is_made, meet
from revenge_adapters.wiring.secrets_file import master_key_file, present_secret
from revenge_adapters.wiring.settings import Settings, SettingsInvalid, load_settings
from revenge_core.auth.entities import AuthRules, SigningKey
from revenge_core.auth.errors import MasterSecretMismatch
from revenge_core.entity import Entity
from revenge_core.errors import RevengeError
from revenge_core.mail.errors import MailUnavailable
from revenge_core.rbac.errors import RoleCycle

DOCS: Final = "docs/reference/doctor.md#"
FREE_TO_FAIL: Final = 200 * 1024**2
FREE_TO_WARN: Final = 2 * 1024**3


class Verdict(StrEnum):
    """How a check ended."""

    FAIL = "fail"
    PASS = "pass"  # noqa: S105 (a verdict)
    WARN = "warn"


class Finding(Entity, kw_only=True):
    """One answer. `fix` says what to do, where there is something to do."""

    id: str
    status: Verdict
    message: str
    fix: str | None = None

    @property
    def docs(self) -> str:
        """Where to read more."""
        return DOCS + self.id


CHECKS: Final[Mapping[str, str]] = {
    "configuration": "Every setting can be used, and what looks like a setting is one.",
    "disk": "The data directory can be written to, and its disk has room: below 2 GiB is a warning, below 200 MiB a "
    "failure.",
    "passwords": "Hashing a password costs at least what OWASP asks of Argon2id.",
    "secrets": "The master secret is there and readable, or will be made on the first start.",
    "secrets-mode": "Nobody but its owner can read the master secret.",
    "database": "The database answers, and is PostgreSQL 15 or newer.",
    "database-roles": "The application does not own its tables, so it cannot rewrite the audit log.",
    "migrations": "The schema is this version's.",
    "secrets-match": "The master secret is the one that wrapped the database's signing keys.",
    "access": "Every role, and one user of each set of roles that somebody holds, may do by the compiled index what "
    "casbin's Enforcer makes of the same policies. It takes five seconds at most, and says how far it came.",
    "audit": "The latest part of the audit log is as it was written, sealed, and kept elsewhere where `audit.ship_to` "
    "says so. `revenge audit verify` looks at all of it.",
    "cache": "Dragonfly answers, where `cache.url` names one. Without it jobs begin up to a second later, and workers "
    "without a database get none.",
    "mail": "The mail server answers, lets this server in, and can be trusted. No mail is sent; `revenge mail test` "
    "sends one.",
    "mail-templates": "Templates of your own, in `email.templates_dir`, can be used. One that cannot is left aside, "
    "and the usual one goes out.",
}
"""What is looked at, in this order."""


def diagnose(
    flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None, config_file: Path | None = None
) -> tuple[Finding, ...]:
    """Every finding, in the order of `CHECKS`; those that an earlier failure makes pointless are left out."""
    try:
        loaded = load_settings(flags, environ, config_file)
    except SettingsInvalid as problem:
        return tuple(_failed("configuration", str(one), "Correct it where it was given") for one in problem.found)
    settings = loaded.settings
    told = [
        Finding(
            id="configuration", status=Verdict.WARN, message=line, fix="Remove it, or spell it as the reference does"
        )
        for line in loaded.warnings
    ] or [_passed("configuration", _sources(loaded.config_file))]
    findings = (_disk(settings), _passwords(settings), *_secrets(settings), *_of_database(settings))
    return (*told, *findings, _cache(settings), _mail(settings), *_templates(settings))


def _sources(config_file: Path | None) -> str:
    return f"read from {config_file} and the environment" if config_file else "no file; the environment and defaults"


def _disk(settings: Settings) -> Finding:
    place = next(
        path
        for path in (settings.data_dir, *settings.data_dir.parents)
        if os.path.exists(path)  # noqa: PTH110 -- what this user may not look at is no error, and is told below
    )
    if not os.access(place, os.W_OK | os.X_OK):
        fix = "Run this as the user that owns it, or choose another place with --data-dir"
        return _failed("disk", f"this user may not write in {place}, so not use {settings.data_dir}", fix)
    free = shutil.disk_usage(place).free
    message = f"{free / 1024**3:.1f} GiB free for {settings.data_dir}"
    if free < FREE_TO_FAIL:
        return _failed("disk", message, "Free some room: the database stops when the disk is full")
    if free < FREE_TO_WARN:
        return _warned("disk", message, "Free some room, or move the data directory")
    return _passed("disk", message)


def _passwords(settings: Settings) -> Finding:
    given = settings.passwords
    needed = OWASP_MINIMUM[min(given.time_cost, max(OWASP_MINIMUM))]
    message = f"Argon2id with {given.memory_kib} KiB and {given.time_cost} passes"
    if given.memory_kib < needed:
        fix = f"Set passwords.memory_kib to {needed} or more; hashes are renewed as people sign in"
        return _warned("passwords", message, fix)
    return _passed("passwords", message)


def _secrets(settings: Settings) -> Iterator[Finding]:
    if settings.auth.jwt_secret is not None:
        yield _passed("secrets", "given by auth.jwt_secret")
        return
    file = master_key_file(settings.data_dir)
    try:
        found = present_secret(settings)
    except RevengeError as problem:
        yield _failed("secrets", problem.detail, "Put the file back from a backup, or correct its owner")
        return
    if found is None:
        yield _passed("secrets", f"the first start makes {file}")
        return
    yield _passed("secrets", f"in {file}")
    yield from _modes(file)


def _modes(file: Path) -> Iterator[Finding]:
    for path, wanted in ((file.parent, 0o700), (file, 0o600)):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & ~wanted:
            yield _failed("secrets-mode", f"{path} has mode {mode:04o}", f"chmod {wanted:04o} {path}")
            return
        if path.stat().st_uid not in {os.geteuid(), file.parent.parent.stat().st_uid}:
            yield _warned("secrets-mode", f"{path} belongs to user {path.stat().st_uid}", "Check who made it")
            return
    yield _passed("secrets-mode", "only its owner can read it")


def _of_database(settings: Settings) -> Iterator[Finding]:
    if not is_made(settings):
        yield _passed("database", f"none yet; the first start makes one in {settings.data_dir}")
        return
    try:
        with borrowed_place(settings) as place:
            yield from _of_place(place, settings)
    except RevengeError as problem:
        fix = "See that it runs, and that database.url names it" if settings.database.url else "See the message"
        yield _failed("database", problem.detail, fix)


def _of_place(place: Place, settings: Settings) -> Iterator[Finding]:
    yield from _connections(place)
    try:
        standing = status(place.owner_url.reveal())
    except MigrationError as problem:
        yield _failed("migrations", problem.detail, "Check the rights of the database's owner")
        return
    if standing.refusal is not None:
        yield _failed("migrations", standing.refusal, "Nothing was changed; do as it says")
    elif standing.pending:
        names = ", ".join(step.name for step in standing.pending)
        yield _warned("migrations", f"pending: {names}", "Run `revenge migrate up`, or start the server")
    else:
        yield _passed("migrations", f"up to date, {len(standing.applied)} applied")
        yield from _match(place, settings)
        yield from _audit(place, settings)
        yield _access(place)


def _connections(place: Place) -> Iterator[Finding]:
    with place.naming():
        application, owner = meet(place.url), meet(place.owner_url)
    if application.major < OLDEST_POSTGRESQL:
        told = f"{place.name} is PostgreSQL {application.major}"
        yield _failed("database", told, f"Use PostgreSQL {OLDEST_POSTGRESQL} or newer")
    else:
        yield _passed("database", f"{place.name} answers, PostgreSQL {application.major}")
    if application.user == owner.user:
        fix = "Make a second role, and set database.owner_url to the owner and database.url to the other one"
        told = f"{owner.user} owns the tables and runs the application: only a trigger guards the audit log"
        yield _warned("database-roles", told, fix)
    else:
        yield _passed("database-roles", f"{owner.user} owns, {application.user} uses")


def _match(place: Place, settings: Settings) -> Iterator[Finding]:
    keys = asyncio.run(_signing_keys(place))
    secret = settings.auth.jwt_secret or present_secret(settings)
    if not keys:
        yield _passed("secrets-match", "the database has no signing keys yet; the first start makes one")
        return
    if secret is None:
        told = f"{master_key_file(settings.data_dir)} is missing, and what it held wrapped the keys in {place.name}"
        yield _failed("secrets-match", told, "Put it back from a backup; without it the server does not start here")
        return
    try:
        JoserfcAccessTokens(secret, AuthRules(), issuer="doctor").load(keys)
    except MasterSecretMismatch:
        told = f"the master secret is not the one that wrapped the signing keys in {place.name}"
        yield _failed("secrets-match", told, "Give this server the secret of that database, or its own database")
    else:
        yield _passed("secrets-match", "it opens the database's signing keys")


def _audit(place: Place, settings: Settings) -> Iterator[Finding]:
    secret = settings.auth.jwt_secret or present_secret(settings)
    if secret is None:
        return  # nothing was signed yet, or what is missing was told
    state = asyncio.run(audit_state(place, secret))
    trouble = troubles(state, settings)
    if state.latest.findings:
        first = state.latest.findings[0]
        where = f"entry {first.entry_id}" if first.entry_id else f"seal {first.sequence}"
        fix = "Somebody changed it, or the master secret; `revenge audit verify` tells more"
        yield _failed("audit", f"{where}: {first.flaw.replace('_', ' ')}", fix)
    elif trouble is not None:
        yield _warned("audit", *trouble)
    else:
        yield _passed("audit", f"the latest {state.latest.entries} entries are as they were written")


async def _signing_keys(place: Place) -> tuple[SigningKey, ...]:
    database = Database(place.url.reveal(), min_size=1, max_size=1, acquire_timeout=timedelta(seconds=5))
    try:
        await database.open()
        async with database.transaction() as transaction:
            return await PostgresSigningKeys(transaction).lock_all()
    finally:
        await database.close()


def _access(place: Place) -> Finding:
    from revenge_adapters.wiring.doctor_access import compare_access  # casbin: only doctor needs it

    fix = "Report it, with the role's policies: until then nobody knows which of the two is right"
    try:
        compared = asyncio.run(compare_access(place.url.reveal()))
    except RoleCycle as problem:
        return _failed("access", problem.detail, "Take one of these parents away, in revenge.role_parents")
    if compared.difference is not None:
        return _failed("access", compared.difference, fix)
    return _passed("access", f"index and Enforcer agree on {compared.subjects} of {compared.of} roles and users")


def _cache(settings: Settings) -> Finding:
    if settings.cache.url is None or not settings.cache.enabled:
        return _passed("cache", "none; the database carries wake-ups")
    try:
        server = asyncio.run(_server_of(settings))
    except RevengeError as problem:
        fix = "See that it runs, and that cache.url names it with its password; nothing is lost meanwhile"
        return _warned("cache", problem.detail, fix)
    return _passed("cache", server)


async def _server_of(settings: Settings) -> str:
    async with opened_cache(settings) as client:
        if client is None:
            return "none"
        about = await client.do("INFO", "server")
    kind = "dragonfly" if "dragonfly_version" in about else "valkey" if "valkey_version" in about else "redis"
    return f"{client.name} answers, {kind} {about.get(f'{kind}_version', 'of some version')}"


def _mail(settings: Settings) -> Finding:
    email = settings.email
    if not email.enabled:
        return _passed("mail", "switched off; this server sends none")
    if email.provider != "smtp":
        fate = (
            "is dropped" if email.provider == "null" else "is written to standard error, with links that let people in"
        )
        return _warned("mail", f"mail {fate}", "Set email.provider to smtp and email.smtp.host to have it sent")
    server = smtp_server(email.smtp)
    try:
        answer = asyncio.run(SmtpMailer(server).greet())
    except MailUnavailable as problem:
        return _failed("mail", problem.detail, "Mail waits meanwhile, for two days; do as it says")
    if server.security is Security.NONE and not is_this_machine(server.host):
        fix = "Set email.smtp.use_starttls or email.smtp.use_tls"
        return _warned("mail", f"{server.name} answers, but everybody on the way can read mail", fix)
    if not server.verify and not is_this_machine(server.host):
        fix = "Name the file of its authority in SSL_CERT_FILE, and set email.smtp.skip_verify to false"
        return _warned("mail", f"{server.name} answers, but anybody could: any certificate is believed", fix)
    return _passed("mail", f"{server.name} answers: {answer}")


def _templates(settings: Settings) -> Iterator[Finding]:
    folder = settings.email.templates_dir
    if folder is None:
        yield _passed("mail-templates", "the usual ones")
        return
    templates = FileTemplates(folder)
    fix = "Correct the file, or remove it, and restart the server: templates are read at its start"
    yield from (_warned("mail-templates", problem, fix) for problem in templates.problems)
    if not templates.problems:
        yield _passed("mail-templates", f"{templates.own} of your own, in {folder}")


def _passed(id: str, message: str) -> Finding:
    return Finding(id=id, status=Verdict.PASS, message=message)


def _warned(id: str, message: str, fix: str) -> Finding:
    return Finding(id=id, status=Verdict.WARN, message=message, fix=fix)


def _failed(id: str, message: str, fix: str) -> Finding:
    return Finding(id=id, status=Verdict.FAIL, message=message, fix=fix)
