"""Values of settings: from what an operator wrote, back to text, and in words."""

import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from types import NoneType
from typing import Annotated, Final, Literal, get_args, get_origin

import msgspec

from revenge_adapters.wiring.settings.records import Network
from revenge_core.secrets import Secret

UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
MASK: Final = "********"

_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[smhd]))+\Z")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhd])")
_LONGEST: Final = timedelta(days=36500)


def parse(raw: object, hint: object) -> object:
    """The value that `raw` (text, or what TOML made of it) means for a setting of this type.

    Raises:
        ValueError: it means none. The text is not told: it may be a secret.
    """
    inner = bare(hint)
    if is_optional(hint) and raw == "" and inner is not Secret:
        return None
    if get_origin(inner) is tuple:
        member = get_args(inner)[0]
        items = [part.strip() for part in raw.split(",") if part.strip()] if isinstance(raw, str) else raw
        if not isinstance(items, list):
            raise ValueError("not a list")
        return tuple(parse(item, member) for item in items)
    if inner in _TEXTUAL:
        if not isinstance(raw, str) or not raw:
            raise ValueError("no text")
        return _TEXTUAL[inner](raw)
    if is_optional(hint):  # a range is one of numbers; of "a number or nothing" msgspec takes none
        hint = Annotated[(inner, *get_args(hint)[1:])]
    try:
        return msgspec.convert(raw, hint, strict=not isinstance(raw, str))
    except msgspec.ValidationError as problem:
        raise ValueError(str(problem)) from None


def parse_duration(text: str) -> timedelta:
    """The time that `90s`, `15m`, `1h30m` or `30d` means; `0s` is none at all.

    Raises:
        ValueError: it is not written like that, or longer than a century.
    """
    if not _DURATION.match(text):
        raise ValueError("not a duration")
    seconds = sum(float(number) * UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > _LONGEST.total_seconds():
        raise ValueError("longer than a century")
    return timedelta(seconds=seconds)


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _secret(text: str) -> Secret:
    text.encode()  # bytes that are no text come in as half characters, and nothing could be derived from them
    return Secret(text)


_TEXTUAL: Final[dict[object, Callable[[str], object]]] = {
    timedelta: parse_duration,
    Path: _path,
    Secret: _secret,
    Network: ip_network,
}


def bare(hint: object) -> object:
    """The type without its description and without `| None`."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if is_optional(hint):
        (hint,) = (member for member in get_args(hint) if member is not NoneType)
    return hint


def is_optional(hint: object) -> bool:
    """Whether the setting may be absent."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return NoneType in get_args(hint)


def plain(value: object) -> object:
    """The value as JSON and TOML know it, such that `parse` reads it back; a secret is masked."""
    match value:
        case timedelta():
            return duration_text(value)
        case Secret():
            return masked(value)
        case tuple():
            return [plain(item) for item in value]
        case StrEnum():
            return value.value
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)


def duration_text(value: timedelta) -> str:
    """The shortest spelling: `15m`, not `900s`."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit in ("d", "h", "m", "s"):
        if milliseconds and milliseconds % (UNITS[unit] * 1000) == 0:
            return f"{milliseconds // (UNITS[unit] * 1000):.0f}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def masked(secret: Secret) -> str:
    """What may be shown of a secret: nothing, or a URL without its password.

    A password that was not percent-encoded may reach into what looks like a port, a path or a query: then nothing of
    the URL is shown.
    """
    scheme, separator, rest = secret.reveal().partition("://")
    if not separator:
        return MASK
    place, mark, query = rest.partition("?")
    network, slash, path = place.partition("/")
    credentials, at, hosts = network.rpartition("@")
    if "@" in path + query or not _HOSTS.fullmatch(hosts):
        return f"{scheme}://{MASK}"
    user, colon, _ = credentials.partition(":")
    # a query can hold `password=` as well, and what else is in it is nobody's business
    return f"{scheme}://{user}{colon and colon + MASK}{at}{hosts}{slash}{path}{mark and mark + MASK}"


_HOSTS: Final = re.compile(r"(?:(?:[^:,\[\]]*|\[[^\]]*\])(?::[0-9]*)?(?:,(?=.)|\Z))*")


def expected(hint: object) -> str:
    """In words, what the setting takes."""
    inner = bare(hint)
    if get_origin(inner) is tuple:
        return f"a list, each {expected(get_args(inner)[0])}"
    if get_origin(inner) is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in get_args(inner))
    if isinstance(inner, type) and issubclass(inner, StrEnum):
        return "one of " + ", ".join(f"`{choice}`" for choice in inner)
    words: dict[object, str] = {
        bool: "`true` or `false`",
        timedelta: "a duration such as `90s`, `15m`, `12h` or `30d`",
        Path: "a path",
        Secret: "a secret, not empty",
        Network: "a network such as `10.0.0.0/8` or `fd00::/8`, without host bits",
        int: "a whole number",
    }
    return words.get(inner, "text") + _range(hint)


def _range(hint: object) -> str:
    meta = next((part for part in get_args(hint) if isinstance(part, msgspec.Meta)), msgspec.Meta())
    if meta.ge is not None and meta.le is not None:
        return f" from {meta.ge} to {meta.le}"
    if meta.ge is not None:
        return f" of at least {meta.ge}"
    if meta.max_length is not None:
        return f" of {meta.min_length or 0} to {meta.max_length} characters"
    return ""
