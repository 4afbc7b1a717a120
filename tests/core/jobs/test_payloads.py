"""Payloads, as they are written and read."""

import enum
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenge_core.background import Job, JobSpec
from revenge_core.entity import Entity
from revenge_core.errors import SealBroken
from revenge_core.jobs.errors import JobPayloadInvalid, JobRefused
from revenge_core.jobs.policy import decoded, encoded
from revenge_core.secrets import Secret


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Address(Entity, kw_only=True):
    """A part of a payload."""

    street: str
    code: Secret | None = None


class Parcel(Job, kw_only=True):
    """Something with all that payloads are made of."""

    spec: ClassVar[JobSpec] = JobSpec(kind="parcel")

    number: int
    name: str = ""
    weight: float = 1.5
    raw: bytes = b""
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    day: date = date(2026, 1, 1)
    within: timedelta = timedelta(0)
    id: UUID = UUID(int=7)
    colour: Colour = Colour.RED
    mode: Literal["fast", "slow"] = "fast"
    to: tuple[Address, ...] = ()
    notes: dict[str, str | None] = msgspec.field(default_factory=dict[str, str | None])
    tags: frozenset[str] = frozenset()
    secret: Secret | None = None


parcels = st.builds(
    Parcel,
    number=st.integers(-(2**63), 2**63 - 1),
    name=st.text(st.characters(codec="utf-8")),
    weight=st.floats(allow_nan=False, allow_infinity=False),
    raw=st.binary(max_size=20),
    at=st.datetimes(timezones=st.just(UTC)),
    day=st.dates(),
    within=st.timedeltas(timedelta(0), timedelta(days=1000)),
    id=st.uuids(),
    colour=st.sampled_from(Colour),
    mode=st.sampled_from(("fast", "slow")),
    to=st.lists(st.builds(Address, street=st.text(st.characters(codec="utf-8"), max_size=5)), max_size=2).map(tuple),
    notes=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), st.none() | st.just("x"), max_size=2),
    tags=st.frozensets(st.sampled_from("abc")),
    secret=st.none() | st.text(max_size=5).map(Secret),
)


def sealed(secret: Secret) -> str:
    return secret.reveal().encode(errors="surrogatepass").hex()


def unsealed(text: str) -> Secret:
    return Secret(bytes.fromhex(text).decode(errors="surrogatepass"))


def read(args: bytes | str) -> Parcel:
    return decoded(Parcel, msgspec.Raw(args.encode() if isinstance(args, str) else args), unsealed)


@given(parcels)
def test_a_payload_comes_back_as_it_was(parcel: Parcel) -> None:
    assert read(encoded(parcel, sealed)) == parcel


def test_secrets_are_sealed_wherever_they_are() -> None:
    parcel = Parcel(number=1, secret=Secret("mat"), to=(Address(street="Elm", code=Secret("1428")),))
    args = encoded(parcel, sealed)
    assert b"mat" not in args
    assert b"1428" not in args
    written = msgspec.json.decode(args)
    assert written["secret"] == {"sealed": sealed(Secret("mat"))}
    assert written["to"][0]["code"] == {"sealed": sealed(Secret("1428"))}
    assert read(args) == parcel


def test_what_an_older_or_newer_program_wrote_is_read() -> None:
    assert read('{"number": 1}') == Parcel(number=1)
    assert read('{"number": 1, "speed": 7, "to": [{"street": "Elm", "floor": 2}]}') == Parcel(
        number=1, to=(Address(street="Elm"),)
    )


@pytest.mark.parametrize(
    ("args", "place"),
    [
        ("{}", "number"),
        ('{"number": "topsecret"}', "$.number"),
        ('{"number": 1, "colour": "topsecret"}', "$.colour"),
        ('{"number": 1, "mode": "topsecret"}', "$.mode"),
        ('{"number": 1, "at": "topsecret"}', "$.at"),
        ('{"number": 1, "to": [{"street": 7}]}', "$.to[0].street"),
        ('{"number": 1, "notes": {"topsecret": 7}}', "$.notes[...]"),
        ('{"number": 1, "secret": "topsecret"}', "object"),
        ('{"number": 1, "secret": {"sealed": 7}}', "str"),
        ("topsecret", "malformed"),
        ("[]", "array"),
    ],
)
def test_arguments_that_do_not_fit_are_told_by_their_place_and_not_by_what_they_are(args: str, place: str) -> None:
    with pytest.raises(JobPayloadInvalid) as caught:
        read(args)
    assert place in caught.value.detail
    assert "topsecret" not in caught.value.detail
    assert caught.value.detail.startswith("The arguments do not fit parcel: ")
    assert caught.value.__cause__ is None


def test_a_seal_that_does_not_open_is_told_as_that() -> None:
    def broken(text: str) -> Secret:
        raise SealBroken

    with pytest.raises(SealBroken):
        decoded(Parcel, msgspec.Raw(b'{"number": 1, "secret": {"sealed": "x"}}'), broken)


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "one"},
        {"number": 1, "weight": float("nan")},
        {"number": 1, "name": "\udc80"},
        {"number": 1, "secret": "under the mat"},
        {"number": 1, "notes": {"thing": object()}},
        {"number": 1, "colour": Parcel(number=2)},
    ],
    ids=lambda wrong: next(reversed(wrong)),
)
def test_a_payload_that_no_handler_could_read_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(JobRefused, match="parcel") as caught:
        encoded(Parcel(**wrong), sealed)
    assert "under the mat" not in caught.value.detail


def test_a_payload_that_contains_itself_is_refused() -> None:
    notes: dict[str, Any] = {}
    notes["notes"] = notes
    with pytest.raises(JobRefused):
        encoded(Parcel(number=1, notes=notes), sealed)


def test_a_type_that_no_json_holds_is_told_by_its_name() -> None:
    class Odd(Job, kw_only=True):
        spec: ClassVar[JobSpec] = JobSpec(kind="odd")

        thing: complex

    with pytest.raises(JobRefused, match=r"odd.*complex"):
        encoded(Odd(thing=1j), sealed)
    with pytest.raises(JobPayloadInvalid, match=r"odd.*complex"):
        decoded(Odd, msgspec.Raw(b'{"thing": "1j"}'), unsealed)
