"""Requests that depend on what is there: `ETag`, `If-Match`, `If-None-Match` (RFC 9110, section 13; decisions W7).

A tag is `"<version>-<digest of the body>"`. It is strong: two answers with the same tag are the same bytes, whoever
asked. A change asks for a version, which the use case compares under the row's lock; the digest is no part of that,
since the same resource may look different to those who may see less of it.
"""

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from revenge_core.errors import VersionMismatch
from revenge_http.answers import Answer, Tagged
from revenge_http.asgi import Scope, values_of
from revenge_http.errors import ConditionMalformed
from revenge_http.wire import Wire, encode

ETAG: Final = b"etag"
DIGEST_BYTES: Final = 8
FOREIGN: Final = -1
"""The version of a tag that this server never gave: no resource has it, so nothing is changed."""

_TAG: Final = re.compile(rb'[ \t]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*')
_OURS: Final = re.compile(rb"([0-9]{1,18})-[0-9a-f]{%d}\Z" % (2 * DIGEST_BYTES))


@lru_cache(maxsize=1024)
def entity_tag(version: int, body: bytes) -> bytes:
    """The tag of these bytes."""
    return b'"%d-%b"' % (version, blake2b(body, digest_size=DIGEST_BYTES).hexdigest().encode())


def asked_version(scope: Scope) -> int | None:
    """The version that `If-Match` asks for; None where any will do, since the header is absent or `*`.

    A weak tag matches nothing (RFC 9110, section 13.1.1). Several tags must name the same version: no client of ours
    knows a resource in two.

    Raises:
        ConditionMalformed: the header is not what the RFC says, or names several versions.
    """
    given = values_of(scope, b"if-match")
    if not given:
        return None
    text = b",".join(given)
    if text.strip() == b"*":
        return None
    versions = {_version(*tag) for tag in _tags(text)}
    if len(versions) != 1:
        raise ConditionMalformed
    return versions.pop()


def _version(weak: bytes, opaque: bytes) -> int:
    ours = None if weak else _OURS.match(opaque)
    return int(ours[1]) if ours else FOREIGN


def _tags(text: bytes) -> list[tuple[bytes, bytes]]:
    """Each tag of a list: its `W/` or nothing, and what stands between its quotes.

    Raises:
        ConditionMalformed: it is no list of tags.
    """
    found: list[tuple[bytes, bytes]] = []
    at = 0
    while tag := _TAG.match(text, at):
        found.append((tag[1] or b"", tag[2]))
        at = tag.end()
        if at == len(text):
            return found
        if text[at : at + 1] != b",":
            break
        at += 1
    raise ConditionMalformed


def tagged_answer(result: Tagged[Wire], status: int, scope: Scope, asked: int | None) -> Answer:
    """The answer with its tag; on a GET without the body where the client has it already (304).

    Raises:
        VersionMismatch: a GET asked for another version.
    """
    body = encode(result.record)
    tag = entity_tag(result.version, body)
    if scope["method"] == "GET":
        if asked is not None and asked != result.version:
            raise VersionMismatch
        known = values_of(scope, b"if-none-match")
        if known and knows(b",".join(known), tag):
            return Answer(304, headers=[(ETAG, tag)])
    return Answer(status, body, headers=[(ETAG, tag)])


def knows(text: bytes, tag: bytes) -> bool:
    """Whether a list of tags holds this one, weak or not; what is no list holds nothing, and costs the client bytes."""
    if text.strip() == b"*":
        return True
    try:
        return tag.strip(b'"') in {opaque for _, opaque in _tags(text)}
    except ConditionMalformed:
        return False
