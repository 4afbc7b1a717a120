"""Sockets to listen on. They are taken before the slow part of the start, so that a port in use is told at once."""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Final

from revenge_http.errors import AddressUnavailable

UNIX_MODE: Final = 0o660
BACKLOG: Final = 2048


@contextlib.contextmanager
def listening(host: str, port: int, unix_socket: Path | None) -> Generator[list[socket.socket]]:
    """Sockets that take connections from now on; they are answered once somebody serves them.

    Raises:
        AddressUnavailable: the address is in use, not of this machine, or not allowed.
    """
    if unix_socket is not None:
        with _unix(unix_socket) as bound:
            yield [bound]
        return
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(one) for one in _tcp(host, port)]


def url_of(bound: socket.socket) -> str:
    """How to reach it, for people."""
    name = bound.getsockname()
    if bound.family == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if bound.family == socket.AF_INET6 else name[0]
    return f"http://{host}:{name[1]}"


def _tcp(host: str, port: int) -> list[socket.socket]:
    """A name may stand for several addresses; with port 0 the first decides the number."""
    bound: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in dict.fromkeys(found):
            one = socket.socket(family, kind, protocol)  # unless it is told TCP, asyncio leaves Nagle's delay on
            bound.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # `::` is everybody, IPv4 included
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
            one.bind((address[0], port or bound[0].getsockname()[1], *address[2:]))
            one.listen(BACKLOG)
    except OSError as problem:
        for one in bound:
            one.close()
        raise _unavailable(f"{host} port {port}", problem, "--host and --port") from None
    return bound


@contextlib.contextmanager
def _unix(path: Path) -> Generator[socket.socket]:
    """A socket file that this process removes again, readable by its owner and group only."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        try:
            _remove_stale(path)
            before = os.umask(0o777 & ~UNIX_MODE)
            try:
                bound.bind(str(path))
            finally:
                os.umask(before)
            bound.listen(BACKLOG)
        except OSError as problem:
            raise _unavailable(f"the unix socket {path}", problem, "--unix-socket") from None
        mine = path.stat().st_ino
        try:
            yield bound
        finally:
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == mine:
                    path.unlink()


def _unavailable(place: str, problem: OSError, flags: str) -> AddressUnavailable:
    if problem.errno == errno.EADDRINUSE:
        advice = f"Stop the program that uses it, or choose another with {flags}"
    elif problem.errno in {errno.EACCES, errno.EPERM}:
        advice = f"Choose another with {flags}, or let this user listen there; ports below 1024 are often root's"
    else:
        advice = f"Choose another with {flags}"
    return AddressUnavailable(f"Cannot listen on {place}: {problem.strerror or problem}. {advice}")


def _remove_stale(path: Path) -> None:
    """Remove what a killed server left behind; a socket that somebody answers on, and any other file, stays."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
