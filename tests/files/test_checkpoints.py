"""Checkpoints of the audit log leave the box: into a file, or to whoever takes them by POST."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace

from revenge_adapters import checkpoints_shipping
from revenge_adapters.checkpoints_ed25519 import Ed25519Signer
from revenge_adapters.checkpoints_shipping import FileShipper, HttpsShipper, NoShipper
from revenge_core.activity.entities import Checkpoint
from revenge_core.activity.errors import ShippingFailed
from revenge_core.activity.policy import checkpoint_message, checkpoint_of, line_of, message_of
from revenge_core.secrets import Secret
from revenge_core.testing.builders import NOW

pytestmark = [pytest.mark.anyio, pytest.mark.asvs("16.4.3")]

SIGNER = Ed25519Signer(Secret("the master secret of some server"))


def a_checkpoint(sequence: int) -> Checkpoint:
    reached = bytes([sequence]) * 32
    signed = SIGNER.sign(checkpoint_message(sequence, reached, NOW))
    return Checkpoint(sequence=sequence, hash=reached, created_at=NOW, signed=signed)


FIRST, SECOND = a_checkpoint(1), a_checkpoint(2)
LINES = line_of(FIRST) + line_of(SECOND)

# Signatures


def test_a_signature_is_known_again_by_who_has_the_same_secret_and_by_nobody_else() -> None:
    message = message_of(FIRST)
    again, other = (Ed25519Signer(Secret(text)) for text in ("the master secret of some server", "of another server"))
    assert again.is_genuine(message, FIRST.signed, frozenset())
    assert not other.is_genuine(message, FIRST.signed, frozenset())
    assert other.is_genuine(message, FIRST.signed, frozenset({SIGNER.public_key}))


@pytest.mark.parametrize("name", ["key_id", "public_key", "signature"])
def test_a_signature_that_was_changed_is_none(name: str) -> None:
    changed = replace(FIRST.signed, **{name: "x" if name == "key_id" else b"x"})
    assert not SIGNER.is_genuine(message_of(FIRST), changed, frozenset({b"x"}))
    assert not SIGNER.is_genuine(message_of(SECOND), FIRST.signed, frozenset())


# Files


async def test_lines_are_added_to_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "kept.ndjson"
    await FileShipper(file).ship([FIRST])
    await FileShipper(file).ship([SECOND])
    assert file.read_bytes() == LINES
    assert [checkpoint_of(line) for line in file.read_bytes().splitlines()] == [FIRST, SECOND]
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_line_that_was_torn_does_not_spoil_the_next(tmp_path: Path) -> None:
    file = tmp_path / "kept.ndjson"
    file.write_bytes(line_of(FIRST)[:40])
    await FileShipper(file).ship([FIRST])
    assert [checkpoint_of(line) for line in file.read_bytes().splitlines()] == [None, FIRST]


async def test_links_pipes_and_folders_are_not_written_to(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder", "pipe", "nowhere/kept"):
        with pytest.raises(ShippingFailed, match=name.partition("/")[0]):
            await FileShipper(tmp_path / name).ship([FIRST])
    assert target.read_bytes() == b"precious"


async def test_a_disk_that_takes_little_at_a_time_gets_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def a_little(file: int, data: memoryview) -> int:
        return write(file, bytes(data)[:7])

    monkeypatch.setattr(os, "write", a_little)
    await FileShipper(tmp_path / "kept").ship([FIRST, SECOND])
    monkeypatch.undo()
    assert (tmp_path / "kept").read_bytes() == LINES


async def test_nowhere_is_off(tmp_path: Path) -> None:
    assert not NoShipper().is_on
    assert FileShipper(tmp_path).is_on
    with pytest.raises(ShippingFailed, match="ship_to"):
        await NoShipper().ship([FIRST])


# HTTPS


@dataclass
class Taker:
    """A server that answers every request alike."""

    port: int = 0
    answer: bytes = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    requests: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    client: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    server: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/take?from=here"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        self.requests.append((head, await reader.readexactly(length)))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def taker(tmp_path: Path) -> AsyncIterator[Taker]:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "certificate").write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key").write_bytes(private)
    made = Taker(client=ssl.create_default_context(cafile=str(tmp_path / "certificate")))
    made.server.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    server = await asyncio.start_server(made.serve, "localhost", ssl=made.server)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


async def test_lines_are_sent_by_post_with_the_token(taker: Taker) -> None:
    await HttpsShipper(taker.url, Secret("letmein"), taker.client).ship([FIRST, SECOND])
    ((head, body),) = taker.requests
    assert body == LINES
    assert head.startswith(b"POST /take?from=here HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer letmein\r\n" in head
    assert b"\r\nContent-Type: application/x-ndjson\r\n" in head


async def test_without_a_token_none_is_sent(taker: Taker) -> None:
    await HttpsShipper(taker.url, context=taker.client).ship([FIRST])
    assert b"Authorization" not in taker.requests[0][0]


@pytest.mark.parametrize("status", ["301 Moved", "307 Temporary Redirect", "401 Unauthorized", "500 Broken"])
async def test_any_answer_but_success_means_that_nothing_arrived_and_nobody_is_followed(
    taker: Taker, status: str
) -> None:
    taker.answer = f"HTTP/1.1 {status}\r\nLocation: {taker.url}\r\nContent-Length: 0\r\n\r\n".encode()
    with pytest.raises(ShippingFailed, match=status[:3]):
        await HttpsShipper(taker.url, Secret("letmein"), taker.client).ship([FIRST])
    assert len(taker.requests) == 1


async def test_a_server_that_cannot_prove_who_it_is_gets_nothing(taker: Taker) -> None:
    with pytest.raises(ShippingFailed, match="localhost"):
        await HttpsShipper(taker.url, Secret("letmein")).ship([FIRST])
    assert taker.requests == []


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b""])
async def test_nonsense_is_no_answer(taker: Taker, answer: bytes) -> None:
    taker.answer = answer
    with pytest.raises(ShippingFailed):
        await HttpsShipper(taker.url, context=taker.client).ship([FIRST])


async def test_a_server_that_says_nothing_is_given_up(taker: Taker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints_shipping, "TIMEOUT_SECONDS", 0.2)

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)
        writer.transport.abort()

    silent = await asyncio.start_server(say_nothing, "localhost")
    port = silent.sockets[0].getsockname()[1]
    with pytest.raises(ShippingFailed):
        await HttpsShipper(f"https://localhost:{port}/", context=taker.client).ship([FIRST])
    await asyncio.sleep(0.5)
    silent.close()


@pytest.mark.parametrize("piece", [b"HTTP/1.1 100 Continue\r\n\r\n", b"x", b"HTTP/1.1 100 C\r\nA: b\r\n"])
async def test_a_server_that_never_comes_to_an_end_is_given_up(
    taker: Taker, monkeypatch: pytest.MonkeyPatch, piece: bytes
) -> None:
    """With a limit for each read alone it could have gone on for ever, with a thread of ours."""
    monkeypatch.setattr(checkpoints_shipping, "TIMEOUT_SECONDS", 0.5)
    gone = asyncio.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            gone.set()
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(drip, "localhost", ssl=taker.server)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ShippingFailed, match="no answer in time"):
        await HttpsShipper(f"https://localhost:{port}/", context=taker.client).ship([FIRST])
    await asyncio.wait_for(gone.wait(), 5)
    server.close()


async def test_an_endless_line_is_no_answer(taker: Taker) -> None:
    taker.answer = b"HTTP/1.1 204" + b" " * 100_000
    with pytest.raises(ShippingFailed):
        await HttpsShipper(taker.url, context=taker.client).ship([FIRST])


async def test_what_is_said_before_the_answer_is_passed_over(taker: Taker) -> None:
    taker.answer = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
    await HttpsShipper(taker.url, context=taker.client).ship([FIRST])
