"""Where a server is, and the token with which somebody comes to it."""

import ipaddress
import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

import click

from revenge_cli.session import Session
from revenge_core.secrets import Secret

TOKEN_FILE_VARIABLE: Final = "REVENGE_TOKEN_FILE"  # noqa: S105 (the name of a variable)
TOKEN_VARIABLE: Final = "REVENGE_TOKEN"  # noqa: S105 (the name of a variable)
STANDARD_INPUT: Final = "-"
MOST_CHARACTERS: Final = 8192
"""Servers take no longer headers."""
OTHERS_MAY_READ: Final = stat.S_IRGRP | stat.S_IROTH

_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Place:
    """The parts of a server's URL."""

    host: str
    port: int
    is_tls: bool
    prefix: str
    """What stands before `/api`, where a reverse proxy serves Revenge under a path."""

    @classmethod
    def of(cls, url: str, *, allow_http: bool) -> Self:
        """Take a URL apart.

        Raises:
            click.UsageError: it is none that a token may be sent to.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise click.UsageError("--url is no URL; write it like https://media.example.org") from None
        if parts.scheme not in {"http", "https"} or not host or not _is_printable(url):
            raise click.UsageError("--url is no URL; write it like https://media.example.org")
        if parts.username is not None or parts.query or parts.fragment:
            raise click.UsageError("--url takes a scheme, a host, a port and a path; the token comes from a file")
        if parts.scheme == "http" and not allow_http and not _is_this_machine(host):
            raise click.UsageError(
                "Over http everybody on the way reads the token. Use https, or a tunnel (ssh -L 8096:localhost:8096 …) "
                "and --url http://localhost:8096; in a network that you trust, add --allow-http."
            )
        is_tls = parts.scheme == "https"
        return cls(host, port or (443 if is_tls else 80), is_tls, parts.path.rstrip("/"))

    def __str__(self) -> str:
        """The URL, without what goes without saying."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.is_tls else 80)
        return f"{'https' if self.is_tls else 'http'}://{host}{'' if usual else f':{self.port}'}{self.prefix}"


def read_token(session: Session, place: Place, token_file: str | None) -> Secret:
    """The access token: of the file that is named, of the environment, or typed by somebody who can be asked.

    Raises:
        click.UsageError: there is none, or it is no token.
    """
    named = token_file or os.environ.get(TOKEN_FILE_VARIABLE)
    if named:
        return _checked(_content(session, named))
    if os.environ.get(TOKEN_VARIABLE):
        return _checked(os.environ[TOKEN_VARIABLE])
    if not session.may_ask:
        raise click.UsageError(
            f"There is nobody to ask for the token of {place}; name a file that holds it with --token-file or "
            f"{TOKEN_FILE_VARIABLE} ('-' is standard input)."
        )
    return _checked(click.prompt(f"Access token for {place}", hide_input=True, err=True))


def _content(session: Session, name: str) -> str:
    if name == STANDARD_INPUT:
        return sys.stdin.readline(MOST_CHARACTERS + 2)
    try:
        with Path(name).expanduser().open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & OTHERS_MAY_READ:
                session.say(f"Warning: others can read the token file {name}; chmod 600 it.")
            return file.read(MOST_CHARACTERS + 2)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise click.UsageError(f"The token file {name} cannot be read: {reason}.") from None


def _checked(text: str) -> Secret:
    """The token never shows, whatever else was in the file by mistake."""
    token = text.strip()
    if not _TOKEN.fullmatch(token) or len(token) > MOST_CHARACTERS:
        raise click.UsageError("This is no access token: it has to be one word, the access_token of a sign-in.")
    return Secret(token)


def _is_printable(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
