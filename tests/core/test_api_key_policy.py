"""What a key is good for, what "less" means, and where it is taken from."""

from datetime import timedelta
from ipaddress import ip_address
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from revenge_core.actor import OWN_RIGHTS
from revenge_core.apikeys.entities import KeyChanges, KeyRules, KeyScope, NewKey
from revenge_core.apikeys.policy import (
    ADDRESSES_MAX,
    BUNDLES,
    KNOWN_RIGHTS,
    LIFETIME_MAX,
    NAME_MAX,
    RATE_MAX,
    SMALLEST_SCOPE,
    Grant,
    canonical,
    effective,
    expiry_of,
    field_problems,
    grant_of,
    has_form,
    is_narrower,
    is_taken_from,
    name_key,
    needs_proof,
    new_problems,
    new_secret,
    place_of,
    prefix_of,
    rights_of,
    widened,
)
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.policy import BUILT_IN_ROLES, compile_index
from revenge_core.secrets import Secret
from revenge_core.testing.builders import NOW, an_api_key, an_id

RULES = KeyRules()
READ = frozenset({KeyScope.READ})

rights = st.frozensets(st.sampled_from(sorted(KNOWN_RIGHTS)))
owners = st.frozensets(st.sampled_from(Permission))


def a_network(place: int, bits: int) -> str:
    """One of a few hundred IPv4 networks, many of which lie in each other."""
    kept = place & (0xFF << 8 - bits & 0xFF)
    return f"10.{kept}.0.0/{8 + bits}"


networks = st.lists(st.builds(a_network, st.integers(0, 255), st.integers(0, 8)), min_size=1, max_size=4).map(canonical)
grants = st.builds(
    Grant,
    rights=st.frozensets(st.sampled_from(sorted(KNOWN_RIGHTS)[:4])),
    libraries=st.none() | st.frozensets(st.sampled_from([UUID(int=number) for number in range(3)])),
    addresses=st.none() | networks,
    rate_limit=st.none() | st.integers(1, 3),
)


def pointers(new: NewKey, rules: KeyRules = RULES) -> list[str]:
    return [problem.pointer for problem in new_problems(new, rules, NOW)]


# Form -----------------------------------------------------------------------------------------------------------------


def test_a_new_key_has_the_form_of_one_and_shows_eight_characters() -> None:
    secret = new_secret()
    assert has_form(secret)
    assert len(secret.reveal()) == 67
    assert prefix_of(secret) == secret.reveal()[:8]
    assert new_secret() != secret


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rv_",
        "rv_" + "a" * 63,
        "rv_" + "a" * 65,
        "rv_" + "A" * 64,
        "rv_" + "g" * 64,
        "rv_" + "a" * 63 + "\n",
        "xx_" + "a" * 64,
        "rv_" + "é" * 64,
        "rv_" + "٣" * 64,
        "\udc80" * 67,
        "rv_" * 100_000,
    ],
)
def test_what_is_no_hexadecimal_of_that_length_cannot_be_a_key(text: str) -> None:
    assert not has_form(Secret(text))


# Rights ---------------------------------------------------------------------------------------------------------------


def test_every_permission_has_its_smallest_scope() -> None:
    assert set(SMALLEST_SCOPE) == set(Permission)


def test_each_scope_includes_the_one_before() -> None:
    assert BUNDLES[KeyScope.READ] < BUNDLES[KeyScope.WRITE] < BUNDLES[KeyScope.ADMIN] == KNOWN_RIGHTS
    assert BUNDLES[KeyScope.READ] & OWN_RIGHTS == {"own:read"}


def test_what_reads_a_members_own_world_takes_no_more_than_read_and_nothing_of_theirs_takes_admin() -> None:
    member = compile_index(BUILT_IN_ROLES).permissions_of(frozenset({"user"}))
    assert {SMALLEST_SCOPE[permission] for permission in member} == {KeyScope.READ, KeyScope.WRITE}
    for permission, scope in SMALLEST_SCOPE.items():
        if scope is KeyScope.READ:
            assert permission.value.partition(":")[2] in {"get", "list", "read", "stream", "user_read"}


@given(st.frozensets(st.sampled_from(KeyScope)), rights, owners)
def test_a_key_never_may_what_its_owner_may_not(
    scopes: frozenset[KeyScope], fine: frozenset[str], owner: frozenset[Permission]
) -> None:
    may = effective(rights_of(scopes, fine), owner)
    assert may <= owner
    named = fine.union(*(BUNDLES[scope] for scope in scopes))
    assert {permission.value for permission in may} == {permission.value for permission in owner} & named


@given(rights, owners, owners)
def test_an_owner_who_may_less_has_keys_that_may_less(
    fine: frozenset[str], owner: frozenset[Permission], other: frozenset[Permission]
) -> None:
    assert effective(fine, owner & other) <= effective(fine, owner)


def test_whatever_reaches_further_than_write_needs_a_proof() -> None:
    assert not needs_proof(rights_of(frozenset({KeyScope.WRITE}), frozenset[str]()))
    assert needs_proof(rights_of(frozenset({KeyScope.ADMIN}), frozenset[str]()))
    assert needs_proof(rights_of(READ, frozenset({"users:delete"})))


# Less -----------------------------------------------------------------------------------------------------------------


@given(grants)
def test_every_grant_is_as_narrow_as_itself(grant: Grant) -> None:
    assert is_narrower(grant, grant)


@given(grants, grants)
def test_two_grants_that_are_narrower_than_each_other_are_the_same(one: Grant, other: Grant) -> None:
    if is_narrower(one, other) and is_narrower(other, one):
        assert one == other


@given(grants, grants, grants)
def test_narrowing_twice_is_narrowing(one: Grant, middle: Grant, other: Grant) -> None:
    if is_narrower(one, middle) and is_narrower(middle, other):
        assert is_narrower(one, other)


@given(networks, networks, st.integers(0, 2**24 - 1))
def test_networks_that_lie_in_others_hold_no_address_that_those_do_not(
    inner: tuple[str, ...], outer: tuple[str, ...], host: int
) -> None:
    everything = Grant(rights=frozenset(), libraries=None, addresses=None, rate_limit=None)
    address = str(ip_address(10 << 24 | host))
    if is_narrower(replace(everything, addresses=inner), replace(everything, addresses=outer)) and is_taken_from(
        inner, address
    ):
        assert is_taken_from(outer, address)


def test_everything_that_grew_is_named_at_once() -> None:
    before = an_api_key(
        UserId(an_id()),
        libraries=frozenset({UUID(int=1)}),
        addresses=("192.0.2.0/24",),
        rate_limit=5,
    )
    after = replace(before, scopes=frozenset({KeyScope.WRITE}), libraries=None, addresses=None, rate_limit=None)
    changes = KeyChanges(scopes=after.scopes, libraries=None, addresses=None, rate_limit=None)
    problems = widened(grant_of(after), grant_of(before), changes)
    assert [problem.pointer for problem in problems] == ["/scopes", "/libraries", "/allowed_addresses", "/rate_limit"]
    assert "movies:update" in problems[0].detail
    finer = replace(before, permissions=frozenset({"users:list"}))
    (problem,) = widened(grant_of(finer), grant_of(before), KeyChanges(permissions=finer.permissions))
    assert (problem.pointer, "users:list" in problem.detail) == ("/permissions", True)


# Addresses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "address", "is_taken"),
    [
        (None, None, True),
        (None, "192.0.2.7", True),
        (("192.0.2.0/24",), "192.0.2.7", True),
        (("192.0.2.0/24",), "192.0.3.7", False),
        (("192.0.2.7",), "192.0.2.7", True),
        (("192.0.2.0/24",), "::ffff:192.0.2.7", True),
        (("::ffff:192.0.2.0/120",), "192.0.2.7", True),
        (("::ffff:0:0/96",), "192.0.2.7", True),
        (("::/0",), "192.0.2.7", False),
        (("0.0.0.0/0",), "2001:db8::1", False),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32", "192.0.2.0/24"), "192.0.2.1", True),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("0.0.0.0/0", "::/0"), None, False),
        (("0.0.0.0/0", "::/0"), "", False),
        (("0.0.0.0/0", "::/0"), "somewhere", False),
    ],
)
def test_where_a_key_is_taken_from(bound: tuple[str, ...] | None, address: str | None, is_taken: bool) -> None:
    assert is_taken_from(None if bound is None else canonical(bound), address) is is_taken


@pytest.mark.parametrize(
    ("inner", "outer", "lies_in"),
    [
        (("2001:db8:1::/48",), ("2001:db8::/32",), True),
        (("2001:db8::/32",), ("2001:db8:1::/48",), False),
        (("192.0.2.0/24",), ("::/0",), False),
        (("2001:db8::/32",), ("0.0.0.0/0",), False),
        (("192.0.2.7/32", "2001:db8::/32"), ("0.0.0.0/0", "::/0"), True),
    ],
)
def test_networks_of_one_family_lie_in_none_of_the_other(
    inner: tuple[str, ...], outer: tuple[str, ...], lies_in: bool
) -> None:
    everything = Grant(rights=frozenset(), libraries=None, addresses=None, rate_limit=None)
    assert is_narrower(replace(everything, addresses=inner), replace(everything, addresses=outer)) is lies_in


def test_networks_have_one_form_however_they_are_written() -> None:
    assert canonical(("10.128.0.0/9", "10.0.0.0/9", "10.1.0.0/16", "2001:DB8:0::/32", "::ffff:10.0.0.1")) == (
        "10.0.0.0/8",
        "2001:db8::/32",
    )


def test_a_network_that_reaches_beyond_mapped_addresses_stays_as_it_is() -> None:
    assert canonical(("::fffe:0:0/95",)) == ("::fffe:0:0/95",)
    assert canonical(("::/0",)) == ("::/0",)


def test_one_customer_is_one_place() -> None:
    assert place_of("2001:db8::1") == place_of("2001:db8::ffff") != place_of("2001:db8:0:1::1")
    assert place_of("192.0.2.7") == "192.0.2.7"
    assert place_of(None) == place_of("nowhere") == "unknown"


# What is wrong --------------------------------------------------------------------------------------------------------


def test_a_good_key_has_no_problems() -> None:
    full = NewKey(
        name="x" * NAME_MAX,
        description="two\nlines",
        scopes=frozenset(KeyScope),
        permissions=frozenset({"libraries:scan", "own:read", "own:write"}),
        libraries=frozenset({UUID(int=1)}),
        addresses=("192.0.2.7", "2001:db8::/32"),
        rate_limit=RATE_MAX,
        expires_at=NOW + LIFETIME_MAX,
        recording=True,
    )
    assert pointers(full) == []
    assert pointers(NewKey(name="x", permissions=frozenset({"own:read"}))) == []


def test_all_that_is_wrong_is_named_at_once() -> None:
    wrong = NewKey(
        name=" ",
        description="\x00",
        permissions=frozenset({"movies:*", "admin"}),
        libraries=frozenset(UUID(int=number) for number in range(101)),
        addresses=("192.0.2.7/24", "here", "fe80::1%eth0", "0" * 100_000),
        rate_limit=0,
        expires_at=NOW,
    )
    assert pointers(wrong) == [
        "/name",
        "/description",
        "/permissions",
        "/libraries",
        "/allowed_addresses/0",
        "/allowed_addresses/1",
        "/allowed_addresses/2",
        "/allowed_addresses/3",
        "/rate_limit",
        "/expires_at",
    ]


@pytest.mark.parametrize(
    ("new", "pointer"),
    [
        (NewKey(name="", scopes=READ), "/name"),
        (NewKey(name="x" * (NAME_MAX + 1), scopes=READ), "/name"),
        (NewKey(name="a\nb", scopes=READ), "/name"),
        (NewKey(name="a\u2028b", scopes=READ), "/name"),
        (NewKey(name="a\u202eb", scopes=READ), "/name"),
        (NewKey(name="a\u200bb", scopes=READ), "/name"),
        (NewKey(name="\ufeff", scopes=READ), "/name"),
        (NewKey(name="\udc80", scopes=READ), "/name"),
        (NewKey(name="x", description="x" * 1001, scopes=READ), "/description"),
        (NewKey(name="x"), "/scopes"),
        (NewKey(name="x", permissions=frozenset(map(str, range(1000)))), "/permissions"),
        (NewKey(name="x", scopes=READ, addresses=()), "/allowed_addresses"),
        (NewKey(name="x", scopes=READ, addresses=("192.0.2.7",) * (ADDRESSES_MAX + 1)), "/allowed_addresses"),
        (NewKey(name="x", scopes=READ, rate_limit=RATE_MAX + 1), "/rate_limit"),
        (NewKey(name="x", scopes=READ, expires_at=NOW + LIFETIME_MAX + timedelta(seconds=1)), "/expires_at"),
    ],
)
def test_bad_fields_are_refused(new: NewKey, pointer: str) -> None:
    assert pointers(new) == [pointer]


def test_long_lists_of_unknown_names_are_not_repeated_whole() -> None:
    (problem,) = field_problems(KeyChanges(permissions=frozenset({"x" * 100_000, "y" * 100_000})))
    assert len(problem.detail) < 300


def test_a_key_lives_for_a_year_forever_or_as_long_as_was_said() -> None:
    assert expiry_of(NewKey(name="x"), RULES, NOW) == NOW + timedelta(days=365)
    assert expiry_of(NewKey(name="x", never_expires=True), RULES, NOW) is None
    assert expiry_of(NewKey(name="x", expires_at=NOW + timedelta(days=1)), RULES, NOW) == NOW + timedelta(days=1)


def test_where_the_host_wants_it_every_key_expires() -> None:
    strict = KeyRules(may_last_forever=False)
    assert pointers(NewKey(name="x", scopes=READ, never_expires=True), strict) == ["/expires_at"]
    assert pointers(NewKey(name="x", scopes=READ), strict) == []


def test_names_that_look_the_same_are_the_same() -> None:
    assert name_key("Büro") == name_key("BU\u0308RO") != name_key("Buro")
