"""What one decision costs, from a few policies to very many: the compiled index beside pycasbin's Enforcer."""

import time
from collections.abc import Callable
from typing import Final

from revenge_adapters.access_casbin import AccessRows, Reference, role_subject
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import Role
from revenge_core.rbac.policy import compile_index

PER_ROLE: Final = 10
"""Policies of each role."""
_PERMISSIONS: Final = sorted(Permission)


def roles_with(policies: int) -> list[Role]:
    """As many roles as it takes, each with ten policies, every other inheriting from the one before."""
    return [
        Role(
            name=f"role{number}",
            parents=frozenset({f"role{number - 1}"}) if number % 2 else frozenset(),
            permissions=frozenset(
                _PERMISSIONS[(number * 7 + offset) % len(_PERMISSIONS)].value for offset in range(PER_ROLE)
            ),
        )
        for number in range(max(1, policies // PER_ROLE))
    ]


def index_seconds(policies: int, decisions: int) -> tuple[float, float]:
    """Seconds of one decision, over so many, each of another holder; and of compiling the index."""
    roles = roles_with(policies)
    started = time.perf_counter()
    index = compile_index(roles)
    compiled = time.perf_counter() - started
    # As each request has it: a set of its own, made of what was read.
    asked = [
        (frozenset({roles[number * 31 % len(roles)].name}), _PERMISSIONS[number % len(_PERMISSIONS)])
        for number in range(min(decisions, 1000))
    ]
    rounds = max(1, decisions // len(asked))
    for held, _ in asked:
        index.permissions_of(held)
    started = time.perf_counter()
    for _ in range(rounds):
        for held, permission in asked:
            _ = permission in index.permissions_of(held)
    return (time.perf_counter() - started) / (rounds * len(asked)), compiled


def seconds_of_each(ask: Callable[[], object], times: int) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    for _ in range(times):
        ask()
    return (time.perf_counter() - started) / times


def enforcer_seconds(policies: int, times: int) -> float:
    """Seconds of one refusal, which looks at every policy, by pycasbin's Enforcer over the same roles."""
    roles = roles_with(policies)
    reference, subject = Reference(AccessRows(roles=tuple(roles))), role_subject(roles[0].name)
    refused = next(one for one in _PERMISSIONS if not reference.allows(subject, one))
    return seconds_of_each(lambda: reference.allows(subject, refused), times)
