"""Rules of sessions and of refresh rotation, without any I/O."""

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Final

from revenge_core.actor import Actor
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.sessions.entities import ClientType, RefreshFamily, RefreshVerdict

SIGHTING_INTERVAL: Final = timedelta(minutes=1)
"""Activity is written at most this often per session (decisions I6)."""
DEVICE_NAME_MAX: Final = 100
CLOSING_GRACE: Final = timedelta(minutes=10)
"""How long after its end an open session is closed: a process may have noted that it was used before, and not written
that yet."""
ENDED_KEPT: Final = timedelta(days=30)
"""How long it can still be seen that, when and why a session ended, and whose an old refresh token was."""
DEVICE_KEPT: Final = timedelta(days=400)
"""How long an unused device is remembered. Browsers keep no cookie for longer, so nothing is forgotten that could still
prove to be known (rulings R18), and what is used once a year stays known."""


def judge_refresh(family: RefreshFamily, *, replay_window: timedelta, now: datetime) -> RefreshVerdict:
    """Rulings R16: a token whose child was used, or which was rotated longer ago than the window, is theft."""
    if not family.session.is_live(user_epoch=family.user_epoch, user_active=family.user_active, now=now):
        return RefreshVerdict.DEAD
    presented = family.presented
    if presented.rotated_at is None:
        return RefreshVerdict.ROTATE
    if family.child_used or presented.child_salt is None or now - presented.rotated_at > replay_window:
        return RefreshVerdict.THEFT
    return RefreshVerdict.REPLAY


def may_see(actor: Actor, owner: UserId) -> bool:
    """Whether the actor may know of this user's sessions."""
    return actor.user_id == owner or actor.may(Permission.SESSIONS_LIST)


def guess_client_type(user_agent: str | None) -> ClientType:
    """The kind of client, from what it calls itself; only lifetimes hang on it, never a right."""
    agent = user_agent or ""
    if re.search(r"TV|Tizen|Web0S|AFT[A-Z]|CrKey|Roku", agent):
        return ClientType.TV
    return ClientType.BROWSER if agent.startswith("Mozilla/") else ClientType.APP


_PLATFORMS: Final = (
    ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def guess_platform(user_agent: str | None) -> str | None:
    """The operating system a client claims to run on, or None."""
    return next((name for mark, name in _PLATFORMS if mark in (user_agent or "")), None)


def device_label(name: str | None) -> str | None:
    """What is kept of the name that a client gives its device: up to 100 characters that can be shown, or None."""
    shown = (character for character in name or "" if unicodedata.category(character) not in {"Cc", "Cs"})
    return "".join(shown).strip()[:DEVICE_NAME_MAX] or None


def fingerprint(client_type: ClientType, name: str | None, platform: str | None) -> str:
    """The label by which a user's devices are told apart (decisions I6)."""
    return "\x1f".join((client_type.value, name or "", platform or ""))
