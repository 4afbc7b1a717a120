"""What every store and every reader of accounts with credentials, principals, tokens and keys owes."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from revenge_core.accounts.entities import BootstrapToken
from revenge_core.auth.entities import Account, Principal, SigningKey
from revenge_core.feed import Change
from revenge_core.ids import SessionId, UserId
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import EndReason
from revenge_core.testing.builders import NOW, a_bootstrap_token, a_credential, a_digest, a_signing_key, an_id
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

LATER = NOW + timedelta(hours=1, microseconds=1)
TICK = timedelta(microseconds=1)


async def add_account(world: World, **changes: object) -> Account:
    """An account with a credential, committed."""
    user = await world.add_user(**changes)
    credential = a_credential(user.id)
    async with world.uow.begin() as tx:
        await tx.credentials.put(credential)
    return Account(user=user, credential=credential)


class CredentialStoreContract(Contract):
    """Fixture: `world`."""

    async def test_a_credential_comes_back_as_it_was_kept(self, world: World) -> None:
        account = await add_account(world)
        kept = await world.accounts.of_user(account.user.id)
        assert kept is not None
        assert kept == account
        assert kept.credential.changed_at.utcoffset() == timedelta(0)

    async def test_a_new_credential_replaces_the_old_one(self, world: World) -> None:
        account, other = await add_account(world), await add_account(world)
        new = a_credential(account.user.id, password_hash=Secret("new"), changed_at=LATER)
        async with world.uow.begin() as tx:
            await tx.credentials.put(new)
        assert await world.accounts.of_user(account.user.id) == replace(account, credential=new)
        assert await world.accounts.of_user(other.user.id) == other


class AccountReaderContract(Contract):
    """Fixture: `world`."""

    async def test_an_account_is_found_by_its_name_and_by_its_address(self, world: World) -> None:
        account = await add_account(world, username="Anna", email="Anna@Example.org")
        await add_account(world)
        assert await world.accounts.by_login("anna") == account
        assert await world.accounts.by_login("anna@example.org") == account

    async def test_an_account_is_found_by_the_normalised_form_only(self, world: World) -> None:
        await add_account(world, username="Anna")
        assert await world.accounts.by_login("Anna") is None

    async def test_a_name_comes_before_an_address(self, world: World) -> None:
        await add_account(world, email_key="anna")
        named = await add_account(world, username="anna")
        assert await world.accounts.by_login("anna") == named

    @pytest.mark.parametrize("login", ["nobody", "", "%", "_", "a\x00b", "\ud800", "x" * 10_000])
    async def test_whatever_is_typed_finds_nobody_if_nobody_has_it(self, world: World, login: str) -> None:
        await add_account(world)
        assert await world.accounts.by_login(login) is None

    async def test_an_unknown_id_finds_nobody(self, world: World) -> None:
        await add_account(world)
        assert await world.accounts.of_user(UserId(an_id())) is None

    async def test_somebody_without_a_credential_is_not_found(self, world: World) -> None:
        user = await world.add_user()
        assert await world.accounts.of_user(user.id) is None
        assert await world.accounts.by_login(user.username_key) is None

    async def test_a_disabled_account_is_found(self, world: World) -> None:
        account = await add_account(world, is_active=False)
        assert await world.accounts.of_user(account.user.id) == account
        assert await world.accounts.by_login(account.user.username_key) == account

    async def test_a_deleted_account_is_not_found(self, world: World) -> None:
        account = await add_account(world)
        await world.update_user(replace(account.user, deleted_at=LATER, purge_at=LATER))
        assert await world.accounts.of_user(account.user.id) is None
        assert await world.accounts.by_login(account.user.username_key) is None
        assert await world.accounts.by_login(account.user.email_key) is None

    async def test_a_deleted_account_that_may_return_is_found_by_whoever_signs_in(self, world: World) -> None:
        account = await add_account(world)
        deleted = replace(account.user, deleted_at=LATER, purge_at=LATER, may_return=True)
        await world.update_user(deleted)
        assert await world.accounts.by_login(account.user.username_key) == replace(account, user=deleted)
        assert await world.accounts.by_login(account.user.email_key) == replace(account, user=deleted)
        assert await world.accounts.of_user(account.user.id) is None

    async def test_a_change_is_seen_at_once_though_nobody_announced_it(self, world: World) -> None:
        account = await add_account(world)
        assert await world.accounts.of_user(account.user.id) == account
        changed = replace(account.user, epoch=1)
        async with world.uow.begin() as tx:
            await tx.users.update(changed)
        assert await world.accounts.of_user(account.user.id) == replace(account, user=changed)
        assert await world.accounts.by_login(account.user.email_key) == replace(account, user=changed)


class PrincipalReaderContract(Contract):
    """Fixture: `world`."""

    async def test_a_session_comes_with_all_that_decides_about_it(self, world: World) -> None:
        user = await world.add_user("user", "moderator", epoch=3)
        session = await world.add_session(user, epoch=2)
        assert await world.principals.principal(session.id) == Principal(
            session=session, user_epoch=3, user_active=True, roles=frozenset({"user", "moderator"})
        )

    async def test_an_unknown_session_is_nobody(self, world: World) -> None:
        await world.add_session(await world.add_user())
        assert await world.principals.principal(SessionId(an_id())) is None

    async def test_somebody_without_roles_has_none(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        principal = await world.principals.principal(session.id)
        assert principal is not None
        assert principal.roles == frozenset()

    async def test_an_announced_end_of_the_session_is_seen(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        assert await world.principals.principal(session.id) is not None
        async with world.uow.begin() as tx:
            await tx.sessions.end(session.id, EndReason.REVOKED, LATER)
            tx.feed.publish(Change.of_session(session.id))
        await world.settle()
        principal = await world.principals.principal(session.id)
        assert principal is not None
        assert principal.session == replace(session, ended_at=LATER, end_reason=EndReason.REVOKED)

    @pytest.mark.parametrize(
        "change",
        [{"is_active": False}, {"deleted_at": LATER, "purge_at": LATER}, {"epoch": 1}],
        ids=["disabled", "deleted", "password changed"],
    )
    async def test_an_announced_change_of_the_user_is_seen(self, world: World, change: dict[str, object]) -> None:
        user = await world.add_user("user")
        session = await world.add_session(user)
        assert await world.principals.principal(session.id) is not None
        changed = replace(user, **change)
        await world.update_user(changed)
        assert await world.principals.principal(session.id) == Principal(
            session=session,
            user_epoch=changed.epoch,
            user_active=changed.is_active and changed.deleted_at is None,
            roles=frozenset({"user"}),
        )


class BootstrapTokenStoreContract(Contract):
    """Fixture: `world`."""

    async def replace(self, world: World, token: BootstrapToken) -> None:
        """Keep the token in a transaction of its own."""
        async with world.uow.begin() as tx:
            await tx.bootstrap_tokens.replace(token)

    async def is_open(self, world: World, token: BootstrapToken, at: datetime = LATER) -> bool:
        """What the store says in a transaction of its own."""
        async with world.uow.begin() as tx:
            return await tx.bootstrap_tokens.is_open(token.token_hash, at)

    async def consume(self, world: World, token: BootstrapToken, at: datetime = LATER) -> bool:
        """Use the token in a transaction of its own."""
        async with world.uow.begin() as tx:
            return await tx.bootstrap_tokens.consume(token.token_hash, at)

    async def test_a_token_is_open_until_just_before_it_expires(self, world: World) -> None:
        token = a_bootstrap_token()
        await self.replace(world, token)
        assert await self.is_open(world, token, token.expires_at - TICK)
        assert not await self.is_open(world, token, token.expires_at)

    async def test_a_token_that_never_was_is_good_for_nothing(self, world: World) -> None:
        await self.replace(world, a_bootstrap_token())
        stranger = a_bootstrap_token(token_hash=a_digest())
        assert not await self.is_open(world, stranger)
        assert not await self.consume(world, stranger)

    async def test_looking_does_not_use_a_token(self, world: World) -> None:
        token = a_bootstrap_token()
        await self.replace(world, token)
        assert await self.is_open(world, token)
        assert await self.consume(world, token)

    async def test_a_token_works_once(self, world: World) -> None:
        token = a_bootstrap_token()
        await self.replace(world, token)
        assert await self.consume(world, token)
        assert not await self.is_open(world, token)
        assert not await self.consume(world, token)

    async def test_an_expired_token_does_not_work(self, world: World) -> None:
        token = a_bootstrap_token()
        await self.replace(world, token)
        assert not await self.consume(world, token, token.expires_at)
        assert await self.consume(world, token, token.expires_at - TICK)

    async def test_a_new_token_voids_the_old_one(self, world: World) -> None:
        old, new = a_bootstrap_token(), a_bootstrap_token()
        await self.replace(world, old)
        await self.replace(world, new)
        assert not await self.consume(world, old)
        assert await self.consume(world, new)

    async def test_voiding_leaves_no_token_good(self, world: World) -> None:
        token = a_bootstrap_token()
        await self.replace(world, token)
        async with world.uow.begin() as tx:
            await tx.bootstrap_tokens.void_all()
        assert not await self.consume(world, token)

    async def test_of_many_who_use_a_token_one_does(self, world: World) -> None:
        token = a_bootstrap_token()
        await self.replace(world, token)
        outcomes = await race(lambda: self.consume(world, token))
        assert sorted(outcomes, key=bool) == [False] * (RACERS - 1) + [True]

    async def test_a_token_used_in_a_transaction_that_fails_stays_good(self, world: World) -> None:
        token = a_bootstrap_token()
        await self.replace(world, token)
        with pytest.raises(LookupError):
            async with world.uow.begin() as tx:
                assert await tx.bootstrap_tokens.consume(token.token_hash, LATER)
                raise LookupError
        assert await self.consume(world, token)

    async def test_a_token_is_forgotten_once_it_is_too_old_to_be_used(self, world: World) -> None:
        token = a_bootstrap_token(expires_at=LATER)
        await self.replace(world, token)
        async with world.uow.begin() as tx:
            assert await tx.bootstrap_tokens.forget_expired(LATER - TICK) == 0
            assert await tx.bootstrap_tokens.is_open(token.token_hash, LATER - TICK)
            assert await tx.bootstrap_tokens.forget_expired(LATER) == 1
            assert await tx.bootstrap_tokens.forget_expired(LATER) == 0
        assert not await self.consume(world, token)


class SigningKeyStoreContract(Contract):
    """Fixture: `world`."""

    async def keys(self, world: World) -> tuple[SigningKey, ...]:
        """Every key, as a transaction of its own sees them."""
        async with world.uow.begin() as tx:
            return await tx.signing_keys.lock_all()

    async def add(self, world: World, *keys: SigningKey) -> None:
        """Keep the keys, each in a transaction of its own."""
        for key in keys:
            async with world.uow.begin() as tx:
                await tx.signing_keys.add(key)

    async def test_a_new_store_has_no_keys(self, world: World) -> None:
        assert await self.keys(world) == ()

    async def test_a_key_comes_back_as_it_was_kept(self, world: World) -> None:
        key = a_signing_key(wrapped=bytes(range(256)))
        await self.add(world, key)
        (kept,) = await self.keys(world)
        assert kept == key
        assert kept.created_at.utcoffset() == timedelta(0)

    async def test_a_new_key_retires_the_one_that_signed(self, world: World) -> None:
        first, second, third = (a_signing_key(created_at=NOW + TICK * age) for age in range(3))
        await self.add(world, first, second, third)
        assert await self.keys(world) == (
            replace(first, retired_at=second.created_at),
            replace(second, retired_at=third.created_at),
            third,
        )

    async def test_keys_are_forgotten_once_retired_before_the_given_time(self, world: World) -> None:
        first, second, third = (a_signing_key(created_at=NOW + TICK * age) for age in range(3))
        await self.add(world, first, second, third)
        async with world.uow.begin() as tx:
            assert await tx.signing_keys.forget_retired(second.created_at) == 0
            assert await tx.signing_keys.forget_retired(third.created_at) == 1
            assert await tx.signing_keys.forget_retired(LATER) == 1
            assert await tx.signing_keys.forget_retired(LATER) == 0
        assert await self.keys(world) == (third,)

    async def test_of_many_who_make_the_first_key_one_does(self, world: World) -> None:
        async def make_if_none() -> bool:
            async with world.uow.begin() as tx:
                if await tx.signing_keys.lock_all():
                    return False
                await tx.signing_keys.add(a_signing_key())
                return True

        assert sorted(await race(make_if_none), key=bool) == [False] * (RACERS - 1) + [True]
        assert len(await self.keys(world)) == 1
