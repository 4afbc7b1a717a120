"""What must come of sessions and refresh tokens, said once more and without any store (rulings R16)."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from revenge_core.ids import SessionId, UserId
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import Lifetime, SessionRules
from revenge_core.sessions.policy import CLOSING_GRACE

IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=2)
WINDOW: Final = timedelta(seconds=10)
MINUTE: Final = timedelta(minutes=1)
MOST_SESSIONS: Final = 4
RULES: Final = SessionRules(
    app=Lifetime(idle=IDLE, absolute=ABSOLUTE), max_per_user=MOST_SESSIONS, replay_window=WINDOW
)


@dataclass
class Link:
    """One refresh token of a family. `token` is None until it was handed out."""

    token: Secret | None
    used_at: datetime | None = None


@dataclass
class Family:
    """One session with its chain of refresh tokens, the first one first."""

    id: SessionId
    owner: UserId
    created_at: datetime
    links: list[Link]
    last_activity: datetime
    idle_end: datetime
    absolute_end: datetime
    over: bool = False
    noted_at: datetime | None = None
    unwritten: datetime | None = None

    @classmethod
    def begun(cls, session_id: SessionId, owner: UserId, token: Secret, now: datetime) -> "Family":
        """A session that begins now."""
        return cls(session_id, owner, now, [Link(token)], now, now + IDLE, now + ABSOLUTE)

    def copy(self) -> "Family":
        """The same, to try out what would come of it."""
        return replace(self, links=[replace(link) for link in self.links])

    def is_live(self, now: datetime) -> bool:
        """Whether the session must be good at this time."""
        return not self.over and now < self.idle_end and now < self.absolute_end

    def present(self, at: int, now: datetime) -> int | None:
        """Somebody presents the token at this place: the place of the one they must get, None if they are refused."""
        if not self.is_live(now):
            return None
        link = self.links[at]
        if link.used_at is None:
            link.used_at = self.last_activity = now
            self.idle_end = min(now + IDLE, self.absolute_end)
            self.links.append(Link(None))
        elif self.links[at + 1].used_at is not None or now - link.used_at > WINDOW:
            self.over = True
            return None
        return at + 1

    def use(self, now: datetime) -> None:
        """An access token of the session is used: remembered at most once a minute."""
        if now - (self.noted_at or self.last_activity) >= MINUTE:
            self.noted_at = self.unwritten = now

    def keep_house(self, now: datetime) -> None:
        """What was remembered is written, if the session was still good when it was used."""
        if self.unwritten is not None and self.is_live(self.unwritten):
            latest = max(self.last_activity, self.unwritten)
            self.idle_end = min(self.idle_end + (latest - self.last_activity), self.absolute_end)
            self.last_activity = latest
        self.unwritten = None
        if self.noted_at is not None and now - self.noted_at >= MINUTE:
            self.noted_at = None


@dataclass
class Model:
    """Every session that ever was."""

    families: dict[SessionId, Family] = field(default_factory=dict[SessionId, Family])
    cleaned_at: datetime | None = None
    """When salts of closed windows were last erased."""

    def live_of(self, owner: UserId, now: datetime) -> list[Family]:
        """The user's sessions that must be good, the oldest first."""
        own = (family for family in self.families.values() if family.owner == owner and family.is_live(now))
        return sorted(own, key=lambda family: (family.created_at, family.id))

    def begin(self, family: Family) -> None:
        """A session begins; the oldest beyond the limit go."""
        self.families[family.id] = family
        live = self.live_of(family.owner, family.created_at)
        for evicted in live[: max(0, len(live) - MOST_SESSIONS)]:
            evicted.over = True

    def end_all(self, owner: UserId, *, keep: SessionId | None = None) -> None:
        """The user's sessions end, but one."""
        for family in self.families.values():
            if family.owner == owner and family.id != keep:
                family.over = True

    def keep_house(self, now: datetime) -> None:
        """Sightings are written, salts erased."""
        for family in self.families.values():
            family.keep_house(now)
        self.cleaned_at = now

    def maintain(self, now: datetime) -> None:
        """Sessions are closed that nobody could have used since their end, however late that is written."""
        for family in self.families.values():
            family.over |= min(family.idle_end, family.absolute_end) + CLOSING_GRACE <= now
        self.cleaned_at = now

    def may_keep_salt(self, family: Family, at: int) -> bool:
        """Whether the store may still be able to make this token's child again, given the token."""
        link = self.families[family.id].links[at]
        if link.used_at is None or family.links[at + 1].used_at is not None:
            return False
        return self.cleaned_at is None or self.cleaned_at - link.used_at <= WINDOW
