"""A server elsewhere that says what a test wants, and remembers what it was asked."""

import json
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast


@dataclass
class Answer:
    """One answer; a body that is not bytes is JSON."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def problem(status: int, code: str, detail: str = "It cannot be done", **more: Any) -> Answer:  # noqa: ANN401 (JSON)
    """What Revenge refuses."""
    return Answer(status, {"status": status, "error": code, "detail": detail, "title": detail} | more)


class Elsewhere:
    """Answers in turn, the last one again and again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[Answer] = []
        self.asked: list[Asked] = []

    def says(self, *answers: Answer) -> None:
        self.answers = list(answers)

    def next(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Server(ThreadingHTTPServer):
    there: Elsewhere


@contextmanager
def elsewhere(tls: ssl.SSLContext | None = None) -> Generator[Elsewhere]:
    """The server, for as long as the block takes."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.there = Elsewhere(f"{'http' if tls is None else 'https'}://localhost:{server.server_port}")
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.there
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        asked = Asked(self.command, self.path, dict(self.headers.items()), body)
        answer = cast(_Server, self.server).there.next(asked)
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 (names of http.server)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
        """Nothing: a test looks at what was asked."""
