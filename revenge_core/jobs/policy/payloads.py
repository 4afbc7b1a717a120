"""Payloads as JSON, in and out."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from revenge_core.background import J, Job
from revenge_core.entity import Entity
from revenge_core.jobs.errors import JobPayloadInvalid, JobRefused
from revenge_core.secrets import Secret

_REVEALING: Final = re.compile(r"^(Invalid (?:enum )?value) .*?( - at `[^`]*`)?$", re.DOTALL)
"""What msgspec says with the value that it found."""


class _Sealed(Entity, kw_only=True):
    """What stands for a secret in the arguments."""

    sealed: str


def encoded(job: Job, seal: Callable[[Secret], str]) -> bytes:
    """The payload as JSON; every `Secret` in it is sealed.

    Raises:
        JobRefused: it holds what JSON has no form for, or what its own type does not take: nobody could run it.
    """

    def sealed(value: object) -> object:
        if isinstance(value, Secret):
            return {"sealed": seal(value)}
        raise NotImplementedError(f"a job cannot carry a {type(value).__name__}")

    try:
        args = msgspec.json.encode(job, enc_hook=sealed)
        decoded(type(job), msgspec.Raw(args), Secret)
    except (NotImplementedError, TypeError, ValueError, RecursionError) as error:
        raise JobRefused(f"A job of kind {job.spec.kind} cannot be written as JSON: {_unrevealing(error)}") from None
    except JobPayloadInvalid as invalid:
        raise JobRefused(invalid.detail) from None
    return args


def decoded(kind: type[J], args: msgspec.Raw, unseal: Callable[[str], Secret]) -> J:
    """The payload of a row. Unknown fields are ignored: a newer program may have added them.

    Raises:
        JobPayloadInvalid: it does not fit. Arguments may be private, so the message names the place only.
    """

    def opened(expected: type, value: object) -> object:
        if expected is Secret:
            return unseal(msgspec.convert(value, _Sealed).sealed)
        raise NotImplementedError(f"a {expected.__name__} is to be there")

    try:
        return msgspec.json.decode(bytes(args), type=kind, dec_hook=opened)
    except (msgspec.MsgspecError, NotImplementedError, ValueError) as error:
        raise JobPayloadInvalid(f"The arguments do not fit {kind.spec.kind}: {_unrevealing(error)}") from None


def _unrevealing(error: Exception) -> str:
    return _REVEALING.sub(r"\1\2", str(error))
