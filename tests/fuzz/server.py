"""The real application under a real server, over the doubles, with an administrator who can always sign in."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import uvicorn

from revenge_adapters import sandbox
from revenge_core.actor import Actor
from revenge_core.limits import LimitRules
from revenge_core.secrets import Secret
from revenge_core.users import NewUser
from revenge_http.app import create_app
from revenge_http.options import HttpOptions

T = TypeVar("T")

PASSWORD: Final = Secret("seven purple umbrellas")
PATIENCE: Final = 30


class Server:
    """An application that runs in a thread of its own."""

    def __init__(self) -> None:
        self._box = sandbox(limit_rules=LimitRules(is_on=False))  # it is not how often that is tried here
        self._loop = asyncio.new_event_loop()
        # With the protocol named, asyncio sends small answers at once; else each would wait 40 ms for the next one.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        app: Any = create_app(self._box.revenge, HttpOptions())
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="fuzzed server")
        self._admins = 0
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def access_token(self) -> str:
        """A token of an administrator who signed in just now, whatever became of those before."""
        return self._on_its_loop(self._sign_in())

    @contextmanager
    def running(self) -> Generator["Server"]:
        self._thread.start()
        try:
            self._on_its_loop(asyncio.sleep(0))
            yield self
        finally:
            self._server.should_exit = True
            self._thread.join(PATIENCE)

    async def _sign_in(self) -> str:
        """What is tried may disable, rename and delete whoever tries it: then there is another one."""
        accounts, auth = self._box.revenge.accounts, self._box.revenge.auth
        while True:
            name = f"root-{self._admins}"
            try:
                return (await auth.login(name, PASSWORD)).tokens.access_token.reveal()
            except Exception:  # noqa: BLE001 (whatever it is, another administrator helps)
                self._admins += 1
                new = NewUser(username=f"root-{self._admins}", email=f"root-{self._admins}@example.org")
                await accounts.create_admin(Actor.host(), new, PASSWORD)

    def _on_its_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        with self._socket:
            self._loop.run_until_complete(self._server.serve([self._socket]))
        self._loop.close()
