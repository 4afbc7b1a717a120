"""`revenge serve`: listen, open Revenge, answer until told to stop, and leave nothing behind."""

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import Callable, Generator
from importlib.metadata import version
from types import FrameType
from typing import Final

import uvicorn
from typing_extensions import override

from revenge_adapters.wiring.handlers import named_jobs
from revenge_adapters.wiring.metrics import Metrics
from revenge_adapters.wiring.open import open_revenge
from revenge_adapters.wiring.secrets_file import csrf_key
from revenge_adapters.wiring.settings import Settings
from revenge_adapters.wiring.told import Told
from revenge_core.revenge import Revenge
from revenge_http import logs
from revenge_http.app import create_app
from revenge_http.listening import listening, url_of
from revenge_http.options import CookieMode, HttpOptions
from revenge_http.protocol import bounded

KEEP_ALIVE_SECONDS: Final = 65
"""Longer than proxies keep idle connections (60 s), so that it is they who close them."""

NEXT_STEP: Final = (
    "No administrator yet: `revenge admin create` makes one, and so does the token, with POST /api/v1/auth/bootstrap"
)

_log = logging.getLogger("revenge.server")

Announce = Callable[[str], None]


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (people and scripts read it from standard output)


def serve(settings: Settings, announce: Announce = _print) -> None:
    """Run the server until SIGTERM or SIGINT, then let running requests finish; a second signal stops at once.

    `announce` gets what whoever starts the server must see: where it listens, and the bootstrap token.

    Raises:
        SettingsInvalid: what `jobs.module` names cannot be used.
        AddressUnavailable: the port or the socket cannot be had.
        DatabaseUnavailable, SecretFileUnusable, MasterSecretMismatch, …: as `open_revenge`.
    """
    import uvloop

    logs.configure(settings.log.level, settings.log.format)
    server = settings.server
    with (
        listening(server.host, server.port, server.unix_socket) as sockets,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        told = Told()
        runner.run(told.obeyed_by(_run(settings, sockets, announce, told)))


def http_options(settings: Settings, metrics: Metrics | None = None) -> HttpOptions:
    """What the settings say about the edge."""
    server = settings.server
    return HttpOptions(
        server_name=server.name,
        version=version("revenge"),
        public_url=server.public_url,
        path_prefix=server.path_prefix,
        trusted_proxies=server.trusted_proxies,
        trust_unix_socket=server.unix_socket is not None,
        docs=server.docs,
        max_body_bytes=server.max_body_bytes,
        max_header_bytes=server.max_header_bytes,
        cors_origins=server.cors_origins,
        cookies=_cookie_mode(settings),
        access_log=settings.log.level == "debug",
        observe=metrics.meter.request if metrics and metrics.are_shown else None,
        counted=metrics.meter.limited if metrics and metrics.are_shown else None,
    )


def _cookie_mode(settings: Settings) -> CookieMode | None:
    cookies = settings.server.cookie_auth
    if not cookies.enabled:
        return None
    return CookieMode(csrf_key=csrf_key(settings), domain=cookies.domain, same_site=cookies.same_site)


async def _run(settings: Settings, sockets: list[socket.socket], announce: Announce, told: Told) -> None:
    metrics = Metrics(settings)
    async with open_revenge(settings, jobs=named_jobs(settings), stopping=told.to_stop, metrics=metrics) as revenge:
        token = await revenge.accounts.issue_bootstrap_token()
        server = Uvicorn(uvicorn_config(revenge, settings, metrics))
        serving = asyncio.create_task(server.serve(sockets))
        serving.add_done_callback(lambda _: told.to_stop.set())
        try:
            for one in sockets:
                announce(f"Revenge listens on {url_of(one)}")
            if token is not None:
                announce(f"bootstrap token: {token.reveal()}")
                announce(NEXT_STEP)
            told.started = True
            await told.to_stop.wait()
            await _drain(revenge, server, settings.server.drain_timeout.total_seconds())
            await asyncio.shield(serving)
        finally:
            server.stop_now()
            await serving


async def _drain(revenge: Revenge, server: "Uvicorn", seconds: float) -> None:
    """Readiness goes off at once; whatever runs now goes on, and new requests are answered until that is done."""
    _log.info("stopping; running requests have %.0f s to finish", seconds)
    revenge.health.drain()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    if running := set(server.server_state.tasks):
        await asyncio.wait(running, timeout=seconds)
    server.config.timeout_graceful_shutdown = max(1, math.ceil(end - loop.time()))
    server.should_exit = True


def uvicorn_config(revenge: Revenge, settings: Settings, metrics: Metrics | None = None) -> uvicorn.Config:
    """Nothing of uvicorn's own that ours does: no access log, no proxy headers, no names or versions in headers."""
    return uvicorn.Config(
        create_app(revenge, http_options(settings, metrics)),
        http=bounded(2 * settings.server.max_header_bytes),
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


class Uvicorn(uvicorn.Server):
    """uvicorn, which leaves signals to us."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are `Told`'s."""
        yield

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Never called: nobody asked for signals."""

    def stop_now(self) -> None:
        """Close everything; what still runs is cancelled."""
        self.should_exit = self.force_exit = True
        for task in tuple(self.server_state.tasks):
            task.cancel()
