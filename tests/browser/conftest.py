"""`revenge serve` as it is installed, a mail server, and a Chromium that looks at its pages."""

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
import uvicorn
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from revenge_core.mail.entities import Message
from revenge_http.asgi import App
from tests.browser.chromium import ADVICE, chromium
from tests.http.support import PASSWORD, Json
from tests.smtp_server import MailServer

FOLDER: Final = Path(__file__).parent
SECONDS: Final = 60
"""No start and no mail takes that long."""
ROOT: Final = {"username": "root", "email": "root@example.org", "password": PASSWORD}
REPORTED: Final = re.compile(r"Failed to load resource: (the server responded with a status of 4\d\d|net::ERR_FAILED)")
"""Chromium writes so about each refusal, also where the page expects it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser, which ordinary machines need not have."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.browser)


class Server:
    """A server that runs, and what reaches its people."""

    def __init__(self, url: str, mail: MailServer, admin: httpx.AsyncClient) -> None:
        self.url = url
        self.mail = mail
        self.admin = admin
        """Asks the API as `root`, with a token."""

    async def account(self, username: str) -> str:
        """A new account with a user name of its own; how its mail is addressed."""
        email = f"{username}@example.org"
        body = {"username": username, "email": email, "password": PASSWORD}
        answer = await self.admin.post("/api/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        return email

    async def link(self, to: str, page: str) -> str:
        """The link to a page of ours in the latest mail that came to this address."""
        async with asyncio.timeout(SECONDS):
            while True:
                for message in reversed(self.mail.messages):
                    if found := _link_in(message, to, f"{self.url}/account/{page}#token="):
                        self.mail.messages.remove(message)
                        return found
                await asyncio.sleep(0.05)


def _link_in(message: Message, to: str, begin: str) -> str | None:
    email = message.email
    found = re.search(re.escape(begin) + r"\S+", email.text.reveal()) if email.to == to else None
    return found[0] if found else None


@asynccontextmanager
async def revenge(folder: Path, mail: MailServer, **settings: str) -> AsyncGenerator[tuple[str, str]]:
    """`revenge serve` with an embedded PostgreSQL, on a port of its own: its URL and its bootstrap token."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    given = {
        "REVENGE_DATA_DIR": str(folder),
        "REVENGE_SERVER_HOST": "127.0.0.1",
        "REVENGE_SERVER_PORT": str(port),
        "REVENGE_SERVER_PUBLIC_URL": url,
        "REVENGE_SERVER_RATE_LIMIT_ENABLED": "false",  # all tests come from one address
        "REVENGE_EMAIL_ENABLED": "true",
        "REVENGE_EMAIL_FROM_ADDRESS": "revenge@example.org",
        "REVENGE_EMAIL_SMTP_HOST": "127.0.0.1",
        "REVENGE_EMAIL_SMTP_PORT": str(mail.port),
        "REVENGE_EMAIL_SMTP_USE_STARTTLS": "false",
        **settings,
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REVENGE_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "revenge_cli", "serve"), env=clean | given, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        token = ""
        async with asyncio.timeout(SECONDS):
            while not token:
                line = (await process.stdout.readline()).decode()
                assert line, "the server ended; what it says is above"
                token = line.partition("bootstrap token: ")[2].strip()
        yield url, token
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@asynccontextmanager
async def served(app: App) -> AsyncGenerator[str]:
    """An application of the test's own, on a port: its URL."""
    uvicorn_ = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(uvicorn_.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            uvicorn_.should_exit = True
            await serving


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Server]:
    """One server for all tests: each uses accounts of its own."""
    folder = tmp_path_factory.mktemp("server")
    async with (
        MailServer() as mail,
        revenge(folder, mail, REVENGE_SERVER_COOKIE_AUTH_ENABLED="true") as (url, token),
        httpx.AsyncClient(base_url=url) as admin,
    ):
        assert (await admin.post("/api/v1/auth/bootstrap", json={**ROOT, "token": token})).status_code == 201
        said: Json = (await admin.post("/api/v1/auth/login", json=ROOT)).json()
        admin.cookies.clear()
        admin.headers["authorization"] = f"Bearer {said['access_token']}"
        yield Server(url, mail, admin)


@pytest.fixture(scope="session")
async def browser() -> AsyncGenerator[Browser]:
    """A Chromium without a window."""
    program = await asyncio.to_thread(chromium)
    if program is None:
        pytest.fail(ADVICE)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program)
        yield started
        await started.close()


@pytest.fixture
async def page(browser: Browser, server: Server) -> AsyncGenerator[Page]:
    """An empty tab of a browser that was never here; what it complains about fails the test."""
    context = await browser.new_context(base_url=server.url, viewport={"width": 320, "height": 640})
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not REPORTED.match(message.text):
            complaints.append(message.text)

    context.on("console", hear)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    opened = await context.new_page()
    opened.set_default_timeout(10_000)
    yield opened
    await context.close()
    assert complaints == []
