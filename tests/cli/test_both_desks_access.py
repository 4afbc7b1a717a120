"""Commands about access print the same, whether this machine does it or a server behind a URL (rulings R35)."""

import asyncio
import json
from typing import Final

import click
import pytest
from click.testing import Result

from revenge_adapters import Sandbox, sandbox
from revenge_cli.commands import revenge
from revenge_cli.lazy import LazyGroup
from revenge_core.actor import Actor, ActorKind
from revenge_core.apikeys.entities import KeyScope, NewKey
from revenge_core.rbac.entities import NewGroup, NewRole
from tests.cli.conftest import Rehearsal, Run
from tests.cli.desks import SHAPES, Scene, compare, name_of
from tests.cli.served import HOST, Front, id_of, peopled

NOUNS: Final = ("roles", "groups", "api-keys", "authz")
LOOKS: Final = frozenset({"explain", "holders", "list", "members", "permissions", "show", "uses"})
ELSEWHERE_ONLY: Final = {("api-keys", "create"), ("api-keys", "rotate"), ("api-keys", "uses")}

SCENES = (
    Scene("roles list"),
    Scene("roles show curators"),
    Scene("roles show nothing", 3),
    Scene("roles permissions"),
    Scene("roles holders user"),
    Scene("roles holders curators --limit 1"),
    Scene("roles holders nothing", 3),
    Scene("roles create editors --description Editors --permission movies:* --permission *:list --parent user"),
    Scene("roles create nothing-at-all"),
    Scene("roles create Curators", 4),
    Scene("roles create editors --permission movies:fly --parent nothing", 2),
    Scene("roles edit curators --description Films --parent user"),
    Scene("roles edit curators --no-parents"),
    Scene("roles edit curators --parent curators", 2),
    Scene("roles edit curators", 2),
    Scene("roles edit curators --parent user --no-parents", 2),
    Scene("roles edit nothing --description X", 3),
    Scene("roles allow curators libraries:scan movies:get"),
    Scene("roles allow curators movies:fly", 2),
    Scene("roles allow nothing movies:get", 2),
    Scene("roles disallow curators movies:*"),
    Scene("roles disallow curators movies:get", 3),
    Scene("roles disallow curators movies:* --dry-run"),
    Scene("roles delete idle --yes"),
    Scene("roles delete idle --dry-run"),
    Scene("roles delete idle", 2),
    Scene("roles delete nothing --yes", 3),
    Scene("roles assign ada curators"),
    Scene("roles assign ada curators --dry-run"),
    Scene("roles assign ada nothing", 2),
    Scene("roles assign nobody curators", 3),
    Scene("roles withdraw ada user"),
    Scene("roles withdraw ada user --dry-run"),
    Scene("roles withdraw ada moderator", 3),
    Scene("roles withdraw root admin", 4),
    Scene("groups list"),
    Scene("groups show Family"),
    Scene("groups show {family}"),
    Scene("groups show famly", 3),
    Scene("groups show {ada}", 3),
    Scene("groups members family"),
    Scene("groups members nothing", 3),
    Scene("groups create club --description Club --role user --role curators"),
    Scene("groups create FAMILY", 4),
    Scene("groups create club --role nothing", 2),
    Scene("groups edit family --name household --no-roles"),
    Scene("groups edit family --role user --role moderator"),
    Scene("groups edit family", 2),
    Scene("groups edit family --role user --no-roles", 2),
    Scene("groups delete family --yes"),
    Scene("groups delete family --dry-run"),
    Scene("groups delete family", 2),
    Scene("groups add family ada"),
    Scene("groups add family ada --dry-run"),
    Scene("groups add family nobody", 3),
    Scene("groups remove family dave"),
    Scene("groups remove family dave --dry-run"),
    Scene("groups remove family ada", 3),
    Scene("api-keys list ada"),
    Scene("api-keys list dave"),
    Scene("api-keys list nobody", 3),
    Scene("api-keys revoke {key}"),
    Scene("api-keys revoke {key} --dry-run"),
    Scene("api-keys revoke {ada}", 3),
    Scene("api-keys revoke 7", 2),
    Scene("authz explain ada movies:list"),
    Scene("authz explain ada users:delete"),
    Scene("authz explain dave movies:delete"),
    Scene("authz explain bob movies:list"),
    Scene("authz explain ada movies:fly", 2),
    Scene("authz explain nobody movies:list", 3),
    Scene("authz explain ada movies:list --key {key}"),
    Scene("authz explain ada profile:update --key {key}"),
    Scene("authz explain ada movies:list --library {ada}", 2),
    Scene("authz permissions ada"),
    Scene("authz permissions dave"),
    Scene("authz permissions bob"),
)


async def with_access(box: Sandbox) -> None:
    """Roles, a group with somebody in it, and a key."""
    await box.revenge.roles.create(
        HOST, NewRole(name="curators", description="Look after films", permissions=("movies:*",), parents=("guest",))
    )
    await box.revenge.roles.create(HOST, NewRole(name="idle"))
    group = await box.revenge.groups.create(HOST, NewGroup(name="Family", roles=frozenset({"curators"})))
    await box.revenge.groups.add_member(HOST, group.id, id_of(box, "dave"))
    session = next(one.id for one in box.rows.sessions.values() if one.user_id == id_of(box, "ada"))
    ada = Actor(kind=ActorKind.USER, user_id=id_of(box, "ada"), session_id=session)
    await box.revenge.api_keys.create(ada, NewKey(name="reader", scopes=frozenset({KeyScope.READ})))


def world(doors: Rehearsal) -> str:
    doors.box = sandbox()
    token = peopled(doors.box)
    asyncio.run(with_access(doors.box))
    return token


def words(scene: Scene, box: Sandbox) -> list[str]:
    ids = {name: str(id_of(box, name)) for name in ("ada", "bob", "carol", "dave", "root")}
    ids["family"] = str(next(iter(box.rows.groups)))
    ids["key"] = str(next(iter(box.rows.api_keys)))
    return [word.format(**ids) for word in scene.line.split()]


def state(box: Sandbox) -> list[str]:
    return [repr(getattr(box.rows, name)) for name in ("roles", "grants", "groups", "members", "api_keys")]


def tried(
    run: Run, doors: Rehearsal, front: Front, scene: Scene, *shapes: tuple[str, ...]
) -> list[tuple[Result, Result]]:
    """The same line in the same world, done here and there, in each shape."""
    world(doors)
    here = [run(*words(scene, doors.box), *shape) for shape in shapes]
    token = world(doors)
    before = state(doors.box)
    with front.of(doors.box) as url:
        line = words(scene, doors.box)
        there = [run(*line, *shape, "--url", url, env={"REVENGE_TOKEN": token}) for shape in shapes]
    assert (state(doors.box) != before) == changes(scene)
    return list(zip(here, there, strict=True))


def changes(scene: Scene) -> bool:
    return scene.code == 0 and "--dry-run" not in scene.line and scene.line.split()[1] not in LOOKS


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_access_is_administered_alike_wherever_the_server_is(
    run: Run, doors: Rehearsal, front: Front, scene: Scene
) -> None:
    for shape in SHAPES:
        ((here, there),) = tried(run, doors, front, scene, shape)
        compare(scene, shape, here, there)


def test_no_command_about_access_is_left_out() -> None:
    tried_ones = {tuple(scene.line.split()[:2]) for scene in SCENES} | ELSEWHERE_ONLY
    for noun in NOUNS:
        group = revenge.get_command(click.Context(revenge), noun)
        assert isinstance(group, LazyGroup)
        assert {(noun, verb) for verb in group.commands} <= tried_ones


def test_a_key_is_made_shown_once_used_rotated_and_revoked_from_the_shell(
    run: Run, doors: Rehearsal, front: Front
) -> None:
    token = world(doors)
    with front.of(doors.box) as url:
        elsewhere, env = ("--json", "--url", url), {"REVENGE_TOKEN": token}
        made = run(
            *("api-keys", "create", "backup", "--scope", "read", "--permission", "users:list", "--record"),
            *("--expires", "90d", "--rate-limit", "60", *elsewhere),
            env=env,
        )
        assert made.exit_code == 0, made.stderr
        key = json.loads(made.stdout)
        assert key["api_key"].startswith(key["key_prefix"])
        asked = run("users", "list", *elsewhere, env={"REVENGE_TOKEN": key["api_key"]})
        assert asked.exit_code == 0, asked.stderr
        (listed,) = json.loads(run("api-keys", "list", *elsewhere, env=env).stdout)
        assert (listed["name"], listed["rate_limit"], "api_key" in listed) == ("backup", 60, False)
        uses = json.loads(run("api-keys", "uses", key["id"], *elsewhere, env=env).stdout)
        assert uses["proposal"] == {"scopes": [], "permissions": ["users:list"]}
        told = run("api-keys", "uses", key["id"], "--url", url, env=env)
        assert "--permission users:list" in told.stderr
        rotated = json.loads(run("api-keys", "rotate", key["id"], "--overlap", "0s", *elsewhere, env=env).stdout)
        assert rotated["id"] == key["id"]
        gone = run("users", "list", *elsewhere, env={"REVENGE_TOKEN": key["api_key"]})
        assert json.loads(gone.stderr)["error"] == "api_key_invalid"
        assert run("api-keys", "revoke", key["id"], *elsewhere, env=env).exit_code == 0
        assert json.loads(run("api-keys", "list", *elsewhere, env=env).stdout) == []


@pytest.mark.parametrize("line", ["list", "create backup --scope read", "rotate {key}", "uses {key}"])
def test_this_machines_shell_is_nobody_and_has_no_keys(run: Run, doors: Rehearsal, line: str) -> None:
    world(doors)
    refused = run("api-keys", *words(Scene(line), doors.box))
    assert (refused.exit_code, refused.stdout) == (5, "")
    assert "--url" in refused.stderr


@pytest.mark.parametrize(
    "line",
    ["create backup --expires yesterday", "create backup --scope all", "rotate {key} --overlap soon", "rotate 7"],
)
def test_what_is_no_time_no_scope_or_no_key_is_bad_usage(run: Run, doors: Rehearsal, line: str) -> None:
    world(doors)
    assert run("api-keys", *words(Scene(line), doors.box)).exit_code == 2
