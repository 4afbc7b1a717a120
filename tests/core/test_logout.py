import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action
from revenge_core.actor import Actor
from revenge_core.errors import Unauthenticated
from revenge_core.feed import Change
from revenge_core.secrets import new_token
from revenge_core.sessions.entities import EndReason
from revenge_core.sessions.errors import RefreshTokenInvalid, SessionEnded
from tests.core.people import act, entries, is_signed_in, join, sign_in


@pytest.mark.asvs("7.4.1")
async def test_defect_3_access_and_refresh_end_at_once(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box)
    await box.revenge.auth.logout(await act(box, here))
    with pytest.raises(SessionEnded):
        await act(box, here)
    with pytest.raises(RefreshTokenInvalid):
        await box.revenge.auth.refresh(here.tokens.refresh_token)
    assert await is_signed_in(box, there)
    assert box.rows.sessions[here.session.id].end_reason is EndReason.LOGOUT


async def test_it_is_audited_and_announced(box: Sandbox) -> None:
    here = await join(box)
    await box.revenge.auth.logout(await act(box, here))
    (entry,) = entries(box, Action.USER_LOGOUT)
    assert (entry.actor_id, entry.resource_id, entry.on_behalf_of) == (here.user.id, here.session.id, None)
    assert box.changes[-1] == Change.of_session(here.session.id)


async def test_a_refresh_token_of_ones_own_ends_its_session_as_well(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box)
    await box.revenge.auth.logout(await act(box, here), there.tokens.refresh_token)
    assert not await is_signed_in(box, here)
    assert not await is_signed_in(box, there)
    assert len(entries(box, Action.USER_LOGOUT)) == 2


async def test_the_refresh_token_of_the_same_session_makes_no_difference(box: Sandbox) -> None:
    here = await join(box)
    await box.revenge.auth.logout(await act(box, here), here.tokens.refresh_token)
    assert len(entries(box, Action.USER_LOGOUT)) == 1


async def test_a_refresh_token_of_somebody_else_ends_nothing_of_theirs(box: Sandbox) -> None:
    here, theirs = await join(box), await join(box, "eve")
    await box.revenge.auth.logout(await act(box, here), theirs.tokens.refresh_token)
    assert not await is_signed_in(box, here)
    assert await is_signed_in(box, theirs)


async def test_an_unknown_refresh_token_does_not_matter(box: Sandbox) -> None:
    here = await join(box)
    await box.revenge.auth.logout(await act(box, here), new_token())
    assert not await is_signed_in(box, here)


async def test_everywhere_means_every_session_of_ones_own(box: Sandbox) -> None:
    here, there, theirs = await join(box), await sign_in(box), await join(box, "eve")
    await box.revenge.auth.logout(await act(box, here), everywhere=True)
    assert [await is_signed_in(box, each) for each in (here, there, theirs)] == [False, False, True]
    (entry,) = entries(box, Action.USER_LOGOUT)
    assert (entry.resource_type, entry.resource_id, entry.reason) == ("user", here.user.id, "2 ended")


async def test_logging_out_twice_is_no_error_and_leaves_one_entry(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    await box.revenge.auth.logout(actor)
    await box.revenge.auth.logout(actor)
    assert len(entries(box, Action.USER_LOGOUT)) == 1


async def test_somebody_without_a_session_may_name_one_by_its_refresh_token(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box)
    actor = replace(await act(box, here), session_id=None)
    await box.revenge.auth.logout(actor, there.tokens.refresh_token)
    assert [await is_signed_in(box, each) for each in (here, there)] == [True, False]


async def test_nobody_cannot_log_out(box: Sandbox) -> None:
    for actor in (Actor.anonymous(), Actor.host()):
        with pytest.raises(Unauthenticated):
            await box.revenge.auth.logout(actor, everywhere=True)
