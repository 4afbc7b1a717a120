"""The connection string that we use, made of the one that was given."""

from collections.abc import Mapping
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo


def with_settings(url: str, settings: Mapping[str, object], **parameters: object) -> str:
    """`url` with libpq `parameters` and with server `settings` for the session; what the URL itself says wins."""
    given = conninfo_to_dict(url)
    options = [f"-c {name}={_escaped(str(value))}" for name, value in settings.items()]
    options.append(str(given.get("options") or ""))
    merged: dict[str, Any] = {**parameters, **given, "options": " ".join(options).strip()}
    return make_conninfo("", **merged)


def _escaped(value: str) -> str:
    """As libpq wants it inside `options`."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
