"""The least that ASGI and Litestar can do with the same answer; `python -m tests.bench.floors bare` serves it."""

import asyncio
import socket
import sys
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

import msgspec
import uvicorn
import uvloop
from litestar import Litestar, get
from litestar.types import ASGIApp

from revenge_http.users import User
from tests.bench.wire import LISTENS

ME: Final = "/api/v1/users/me"
SOMEBODY: Final = User(
    id=UUID("01920000-0000-7000-8000-000000000000"),
    username="person0",
    email="person0@example.org",
    locale="en-US",
    timezone="UTC",
    qar_enabled=False,
    is_active=True,
    is_admin=False,
    email_verified=False,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    last_login_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def raw() -> ASGIApp:
    """The account's bytes, without a framework."""
    body = msgspec.json.encode(SOMEBODY)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def app(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 -- ASGI as it is
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def bare() -> ASGIApp:
    """The account from one Litestar route, with nothing else switched on."""

    @get(ME)
    async def route() -> User:
        return SOMEBODY

    return cast(ASGIApp, Litestar([route], openapi_config=None))


def main() -> None:
    """Serve one of them as our own server serves: uvicorn on uvloop, without access log."""
    app = {"bare": bare, "raw": raw}[sys.argv[1]]()
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"{LISTENS}{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        cast(Any, app),
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve([listener]))


if __name__ == "__main__":
    main()
