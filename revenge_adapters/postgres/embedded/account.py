"""Which user PostgreSQL runs as: it refuses root (rulings R30)."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from revenge_adapters.postgres.embedded.errors import EmbeddedPostgresError

SERVICE_USERS = ("revenge", "nobody")
"""Whom root becomes for PostgreSQL, best first."""

NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")
"""Runs a program as `nobody` in its own eyes and as ourselves in everybody else's."""


@dataclass(frozen=True, slots=True)
class RunAs:
    """The identity of the server process and the owner of its files."""

    uid: int
    gid: int
    switch: bool = False
    """Whether a child has to change to `uid`; only root can."""
    namespace: bool = False
    """Whether a child runs in a user namespace, where we look like somebody else."""

    def command(self, command: Sequence[str]) -> list[str]:
        """Return the command line that runs `command` under this identity."""
        return [*NAMESPACE, *command] if self.namespace else list(command)

    @property
    def user(self) -> int | None:
        """What `subprocess` takes as `user`."""
        return self.uid if self.switch else None

    @property
    def group(self) -> int | None:
        """What `subprocess` takes as `group`."""
        return self.gid if self.switch else None

    @property
    def extra_groups(self) -> list[int] | None:
        """What `subprocess` takes as `extra_groups`: none of root's."""
        return [] if self.switch else None

    def passes(self, *expression: str | Path) -> bool:
        """Say whether `test <expression>`, such as `-x path`, holds for this identity, by trying it.

        Modes alone would miss access lists, network mounts, and whether this
        machine allows user namespaces at all.
        """
        program = shutil.which("test") or "/usr/bin/test"
        try:
            done = subprocess.run(  # noqa: S603 - a fixed program, no shell
                self.command([program, *map(str, expression)]),
                user=self.user,
                group=self.group,
                extra_groups=self.extra_groups,
                cwd="/",
                capture_output=True,
                timeout=10,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0


def preferred() -> RunAs:
    """Return the identity to use where nothing speaks against it."""
    if os.geteuid() != 0:
        return RunAs(os.geteuid(), os.getegid())
    for name in SERVICE_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return RunAs(entry.pw_uid, entry.pw_gid, switch=True)
    return RunAs(0, 0, namespace=True)


def choose(home: Path, data: Path) -> RunAs:
    """Decide who runs PostgreSQL on `data` inside the existing directory `home`.

    The owner of an existing `data` stays. A new one goes to the owner of `home`, or to
    the preferred user if root owns that; to a user namespace where that user cannot get there.
    Raises EmbeddedPostgresError when no identity works.
    """
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        return _ordinary(home, data, owner)
    # `sudo revenge ...` on the directory of an ordinary user must leave it usable for that user
    heir = home.stat().st_uid or None
    identity = preferred() if owner is None and heir is None else _from_owner(owner or heir or 0)
    if identity.passes("-x", home):
        return identity
    namespace = RunAs(0, 0, namespace=True)
    if owner is None and namespace.passes("-x", home):
        return namespace
    who = _name(identity.uid) if identity.switch else "root in a user namespace (is that allowed here?)"
    raise EmbeddedPostgresError(
        f"PostgreSQL refuses to run as root, and {who} cannot work in {home}.",
        next_step=(
            "Choose a data directory whose parents can be entered by everybody, such as /var/lib/revenge "
            f"(`chmod o+x` on what is above {home} helps too), or run revenge as an ordinary user."
        ),
    )


def _from_owner(owner: int) -> RunAs:
    if owner == 0:
        return RunAs(0, 0, namespace=True)
    try:
        group = pwd.getpwuid(owner).pw_gid
    except KeyError:
        group = owner
    return RunAs(owner, group, switch=True)


def _ordinary(home: Path, data: Path, owner: int | None) -> RunAs:
    uid = os.geteuid()
    if owner is not None and owner != uid:
        raise EmbeddedPostgresError(
            f"{data} belongs to {_name(owner)}, and this process runs as {_name(uid)}.",
            next_step=f"Run revenge as the user that made {home} (root if root did), or choose another data directory.",
        )
    if _has_name(uid):
        return RunAs(uid, os.getegid())
    # initdb looks up its user's name; a bare number (as containers like to use) has none
    namespace = RunAs(uid, os.getegid(), namespace=True)
    if namespace.passes("-x", home):
        return namespace
    raise EmbeddedPostgresError(
        f"User {uid} has no name, which PostgreSQL needs, and this machine allows no user namespace.",
        next_step=f"Add an entry for {uid} to /etc/passwd, or run as a user that has one.",
    )


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _name(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name!r}"
    except KeyError:
        return f"user {uid}"
