import pytest

from revenge_core.actor import Actor, ActorKind
from revenge_core.errors import Forbidden, Unauthenticated
from revenge_core.permissions import Permission
from revenge_core.testing.builders import a_user, an_actor


@pytest.mark.parametrize("permission", Permission)
def test_who_is_on_the_server_may_do_everything(permission: Permission) -> None:
    for actor in (Actor.host(), Actor.system()):
        assert actor.may(permission)
        actor.require(permission)


def test_nobody_may_do_nothing_and_is_asked_to_sign_in() -> None:
    assert not Actor.anonymous().may(Permission.MOVIES_LIST)
    with pytest.raises(Unauthenticated):
        Actor.anonymous().require(Permission.MOVIES_LIST)


def test_somebody_without_the_permission_is_told_which_one_it_takes() -> None:
    actor = an_actor(a_user(), Permission.MOVIES_LIST)
    actor.require(Permission.MOVIES_LIST)
    with pytest.raises(Forbidden, match="movies:delete"):
        actor.require(Permission.MOVIES_DELETE)


def test_only_a_user_is_a_user() -> None:
    user = a_user()
    assert an_actor(user).require_user() == user.id
    assert an_actor(user).kind is ActorKind.USER
    for actor in (Actor.anonymous(), Actor.host(), Actor.system()):
        with pytest.raises(Unauthenticated):
            actor.require_user()
