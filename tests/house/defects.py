"""The page of `docs/reference` about defects of the original system, and which test shows that each is not repeated.

A test that shows one is called `test_defect_07_…` after its number.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from tests.house.modules import ROOT

HEAD: Final = """\
# Defects that are not repeated

Revenge re-creates an existing system, and its specification lists what was wrong with that one. Each number stands for
one defect; below it are the tests that would fail if Revenge had it, too. They run with all others.
"""

DEFECTS: Final = {
    1: "A second factor was stored and never asked for.",
    2: "An empty signing secret was accepted: anybody could make tokens.",
    3: "A revoked session lived on in its access token, a disabled user too.",
    4: "Tokens outlived a changed or reset password.",
    5: "Refresh tokens never changed, and a stolen one was never noticed.",
    6: "Any `X-Forwarded-For` was believed, so limits and lockouts could be walked around.",
    7: "Everybody could rename everybody's passkeys.",
    8: "Linking an identity was not bound to the browser that began it.",
    9: "Secrets of identity providers were kept in clear when a key was missing.",
    10: "Nobody could become the first administrator, and new accounts had no role.",
    11: "Lockout counted what was typed: it could be walked around, and used to lock others out.",
    12: "The time of an answer told whether an account exists.",
    13: "One-time tokens could be used twice at the same moment.",
    14: "An e-mail address was changed without proof, and a token for the old one verified the new.",
    15: "A one-time code could be used again after another one.",
    16: "Sensitive changes asked for no recent proof of who one is.",
    17: "Backup codes piled up, and checking one cost as much as all.",
    18: "Passkeys worked on one address only, and signed nobody in.",
    19: "Sign-in at an identity provider had wrong addresses, and names that shadowed others.",
    20: "Deleting somebody left their sessions, keys and roles, and could delete the last administrator.",
    21: "Profiles showed more than their owner allowed, and looking at one wrote a row.",
    22: "Pictures were kept as uploaded, under endings that the client chose, and never served.",
    23: "Limits were missing where they mattered, and said nothing of when to come back.",
    24: "A busy server told people that their password was wrong.",
    25: "Cookie mode could neither refresh nor be used from elsewhere, and signing in could be forged.",
    26: "Password hashes were in the cache.",
    27: "A database error switched the second factor off.",
    28: "The status of an answer and the code in it disagreed, and errors had many shapes.",
    29: "Times in tokens were milliseconds, so that no library saw them expire.",
    30: "Lists of sessions never showed the current one nor when it was used, and ending the others ended it.",
    31: "Missing columns were null instead of their defaults, so that filters missed people.",
    32: "Who never signed in had done so in the year 1, and administrators did not look like ones.",
    33: "Ordinary mistakes in one's own account were answered as failures of the server.",
    34: "Settings of identity providers were half-written, or lost.",
    35: "Signing in through a provider could leave half an account.",
    36: "The id of a request was not echoed, and the log had another one.",
    37: "Mail was sent while people waited; with mail off, what needs it failed in silence.",
    38: "Limits of sessions and refreshes had races with two winners.",
    39: "Names that differ in capital letters were different accounts.",
    40: "Settings for registration and passwords changed nothing.",
    41: "Ordinary mistakes were answered in a way that makes clients drop their tokens.",
    42: "Signing out left cookies behind.",
    43: "Tables of one feature lay in two schemas.",
    44: "What known clients really send was refused.",
    45: "Tests and code disagreed about what the wire is.",
}
"""In our own words, by their numbers in section 7 of the specification's identity sheet."""

TO_COME: Final = {
    **dict.fromkeys((1, 7, 15, 17, 18, 27, 41), "a second factor"),
    **dict.fromkeys((8, 9, 19, 34, 35), "sign-in at identity providers"),
}
"""What there is nothing yet that could have it."""

_NAME: Final = re.compile(r"test_defect_(\d\d)_(\w+)\Z")


def shown_absent() -> dict[int, list[tuple[str, str]]]:
    """Number of a defect → file and sentence of each test that shows its absence."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for folder in ("revenge_core/testing", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (name := _NAME.match(node.name)):
                    sentence = name[2].replace("_", " ")
                    found[int(name[1])].append((path.relative_to(ROOT).as_posix(), sentence))
    return dict(sorted(found.items()))


def defects_page() -> str:
    """Every defect under a heading of its own."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    shown = shown_absent()
    yield HEAD
    for number, words in DEFECTS.items():
        yield f"## Defect {number:02}\n\n{words}\n"
        for path, sentence in sorted(set(shown.get(number, ()))):
            yield f"- {sentence} (`{path}`)"
        if number not in shown:
            yield f"- comes with {TO_COME[number]}"
        yield ""
