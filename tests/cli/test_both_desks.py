"""Every command for administrators prints the same, whether this machine does it or a server behind a URL (R35)."""

import re

import click
import pytest
from click.testing import Result

from revenge_adapters import Sandbox, sandbox
from revenge_cli.commands import revenge
from revenge_cli.lazy import LazyGroup
from revenge_core.mail.entities import MailRules
from tests.cli.conftest import Rehearsal, Run
from tests.cli.desks import SHAPES, Scene, compare, name_of
from tests.cli.served import Front, peopled

SCENES = (
    Scene("users list"),
    Scene("users list --search EXAMPLE.org --limit 2"),
    Scene("users list --disabled"),
    Scene("users list --enabled --no-admins"),
    Scene("users list --admins"),
    Scene("users list --deleted"),
    Scene("users list --role admin"),
    Scene("users list --role nothing"),
    Scene("users show ada"),
    Scene("users show ADA@example.org"),
    Scene("users show {ada}"),
    Scene("users show carol"),
    Scene("users show nobody", 3),
    Scene("users show 0192f0c1-0000-7000-8000-000000000001", 3),
    Scene("users create --username eve --email eve@example.org --display-name Eve"),
    Scene("users create --username boss --email boss@example.org --role admin --role user --verified"),
    Scene("users create --username ADA --email new@example.org", 4),
    Scene("users create --username new --email Ada@example.org", 4),
    Scene("users create --username x --email y", 2),
    Scene("users create --username new --email new@example.org --role nothing", 2),
    Scene("users create --username eve --email eve@example.org --dry-run"),
    Scene("users create --username ADA --email new@example.org --dry-run", 4),
    Scene("users create --username new --email Ada@example.org --dry-run", 4),
    Scene("users create --username x --email y --dry-run", 2),
    Scene("users edit ada --display-name Countess --timezone Europe/Zurich --locale de-CH --qar --verified"),
    Scene("users edit ada --username countess --email countess@example.net --unverified"),
    Scene("users edit ada --role user --role admin"),
    Scene("users edit ada --username BOB", 4),
    Scene("users edit ada --username Ada --email ADA@example.org --dry-run"),
    Scene("users edit ada --username BOB --dry-run", 4),
    Scene("users edit ada --timezone Mars", 2),
    Scene("users edit ada", 2),
    Scene("users edit ada --role admin --display-name X --dry-run"),
    Scene("users edit carol --display-name X", 3),
    Scene("users edit carol --display-name X --dry-run", 3),
    Scene("users edit root --role user", 4),
    Scene("users edit root --role user --dry-run", 4),
    Scene("users disable ada"),
    Scene("users disable ada --dry-run"),
    Scene("users disable carol", 3),
    Scene("users disable carol --dry-run", 3),
    Scene("users disable root", 4, is_own=True),
    Scene("users disable root --dry-run", 4, is_own=True),
    Scene("users enable bob"),
    Scene("users enable bob --dry-run"),
    Scene("users enable carol --dry-run", 3),
    Scene("users delete ada --yes"),
    Scene("users delete ada --dry-run"),
    Scene("users delete ada", 2),
    Scene("users delete carol --yes", 3),
    Scene("users delete carol --dry-run", 3),
    Scene("users delete root --yes", 4, is_own=True),
    Scene("users restore carol"),
    Scene("users restore carol --dry-run"),
    Scene("users restore ada", 4),
    Scene("users restore ada --dry-run", 4),
    Scene("users send-reset ada"),
    Scene("users send-reset ada --dry-run"),
    Scene("users send-reset carol", 3),
    Scene("users send-reset carol --dry-run", 3),
    Scene("sessions list ada"),
    Scene("sessions list bob"),
    Scene("sessions list nobody", 3),
    Scene("sessions revoke {session}"),
    Scene("sessions revoke {session} --dry-run"),
    Scene("sessions revoke {ada}", 3),
    Scene("sessions revoke 7", 2),
    Scene("sessions revoke-all ada --yes"),
    Scene("sessions revoke-all ada --dry-run"),
    Scene("sessions revoke-all ada", 2),
    Scene("invitations list"),
    Scene("invitations list --limit 1"),
    Scene("invitations show {invitation}"),
    Scene("invitations show {ada}", 3),
    Scene("invitations create --uses 5 --expires 2026-03-20 --note family"),
    Scene("invitations create --email frank@example.org --role user"),
    Scene("invitations create --email frank --dry-run", 2),
    Scene("invitations create --email frank", 2),
    Scene("invitations create --uses 0", 2),
    Scene("invitations create --uses 0 --dry-run", 2),
    Scene("invitations create --uses 2 --email frank@example.org --dry-run", 2),
    Scene("invitations create --expires 2020-01-01 --dry-run", 2),
    Scene("invitations create --role nothing", 2),
    Scene("invitations create --expires yesterday", 2),
    Scene("invitations create --note family --dry-run"),
    Scene("invitations revoke {invitation}"),
    Scene("invitations revoke {invitation} --dry-run"),
    Scene("invitations revoke {ada}", 3),
    Scene("invitations revoke {ada} --dry-run", 3),
    Scene("limits list"),
    Scene("limits clear dave"),
    Scene("limits clear 192.0.2.7"),
    Scene("limits clear dave --dry-run"),
    Scene("limits clear nobody", 3),
)


def tried(
    run: Run, doors: Rehearsal, front: Front, scene: Scene, *shapes: tuple[str, ...], mail: bool = True
) -> list[tuple[Result, Result]]:
    """The same line in the same world, done here and there, in each shape."""

    def world() -> tuple[str, list[str]]:
        doors.box = sandbox(mail_rules=MailRules(is_on=mail))
        return peopled(doors.box), scene.arguments(doors.box)

    _, line = world()
    here = [run(*line, *shape) for shape in shapes]
    token, line = world()
    before = state(doors.box)
    with front.of(doors.box) as url:
        there = [run(*line, *shape, "--url", url, env={"REVENGE_TOKEN": token}) for shape in shapes]
    assert (state(doors.box) != before) == scene.changes
    return list(zip(here, there, strict=True))


def state(box: Sandbox) -> list[str]:
    """All that commands change."""
    names = ("users", "grants", "sessions", "invitations", "one_time_tokens", "guesses", "jobs")
    return [repr(getattr(box.rows, name)) for name in names]


@pytest.mark.parametrize("scene", [one for one in SCENES if not one.changes], ids=name_of)
def test_what_changes_nothing_prints_the_same_wherever_the_server_is(
    run: Run, doors: Rehearsal, front: Front, scene: Scene
) -> None:
    for shape, (here, there) in zip(SHAPES, tried(run, doors, front, scene, *SHAPES), strict=True):
        compare(scene, shape, here, there)


@pytest.mark.parametrize("scene", [one for one in SCENES if one.changes], ids=name_of)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_change_prints_the_same_wherever_the_server_is(
    run: Run, doors: Rehearsal, front: Front, scene: Scene, shape: tuple[str, ...]
) -> None:
    ((here, there),) = tried(run, doors, front, scene, shape)
    compare(scene, shape, here, there)


def test_no_command_for_administrators_is_left_out() -> None:
    tried_ones = {tuple(scene.line.split()[:2]) for scene in SCENES}
    for noun in ("users", "sessions", "invitations", "limits"):
        group = revenge.get_command(click.Context(revenge), noun)
        assert isinstance(group, LazyGroup)
        for verb in group.commands:
            assert (noun, verb) in tried_ones or (noun, verb) == ("users", "reset-link")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_server_that_sends_no_mail_gives_the_link_to_choose_a_password(
    run: Run, doors: Rehearsal, front: Front, shape: tuple[str, ...]
) -> None:
    create = Scene("users create --username eve --email eve@example.org")
    ((here, there),) = tried(run, doors, front, create, shape, mail=False)
    compare(create, shape, here, there)
    assert re.search(r"reset_link.*/account/reset#token=[0-9a-f]{64}", here.stdout)


def test_without_mail_a_reset_is_refused_with_the_command_that_helps(run: Run, doors: Rehearsal, front: Front) -> None:
    reset = Scene("users send-reset ada", 4)
    ((here, there),) = tried(run, doors, front, reset, (), mail=False)
    compare(reset, (), here, there)
    assert "revenge users reset-link ada" in here.stderr
    assert there.stderr == here.stderr
