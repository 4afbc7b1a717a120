"""The server's log on standard error: one line per event, as JSON for machines or as text for people (rulings R36)."""

import json
import logging
import sys
from asyncio import CancelledError
from datetime import UTC, datetime
from typing import Final, Literal

from typing_extensions import override

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {
    code: f"\\u{code:04x}" for code in (*range(0x2028, 0x202F), *range(0x2066, 0x206A))
}
"""No event may look like two, or move a terminal's cursor (ASVS 16.4.1)."""


def configure(level: str, form: Literal["json", "text"]) -> None:
    """Send the log of this whole process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # it warns of every malformed request
    logging.getLogger("uvicorn.error").addFilter(_is_a_defect)


def _is_a_defect(record: logging.LogRecord) -> bool:
    """Requests that a stop cut off are no defect of the application, whose traceback uvicorn would show."""
    return not (record.exc_info and isinstance(record.exc_info[1], CancelledError))


class TextLines(logging.Formatter):
    """Time, level, logger, message; a traceback follows, indented."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """One event."""
        message = record.getMessage().translate(_CONTROLS)
        line = f"{_time(record)} {record.levelname.lower():7} {record.name}: {message}"
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            line += "".join(f"\n    {part.translate(_CONTROLS)}" for part in trace.splitlines())
        return line


class JsonLines(logging.Formatter):
    """An object per line: `time`, `level`, `logger`, `message`, and `exception` where there is one."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """One event."""
        event = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event).replace("\x7f", "\\u007f")  # ASCII: half characters, C1 controls, line separators


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
