"""Limits in the wiring: counted by all servers together where there is a cache."""

from collections.abc import Callable

from revenge_adapters import open_revenge
from revenge_adapters.wiring.settings import Cache, Settings
from revenge_core.ids import KeyId
from revenge_core.limits.entities import Tier
from revenge_core.testing.builders import an_id
from tests.redis_server import RedisServer

Make = Callable[..., Settings]


async def test_two_servers_with_a_cache_let_through_what_one_would(
    given_settings: Make, redis_server: RedisServer
) -> None:
    settings = given_settings(cache=Cache(url=redis_server.url))
    async with (
        open_revenge(settings, worker=False) as one,
        open_revenge(settings, worker=False) as other,
    ):
        quota = one.limits.quota(Tier.ACCOUNT)
        verdicts = [
            await server.limits.take(Tier.ACCOUNT, "192.0.2.9") for _ in range(quota.burst) for server in (one, other)
        ]
    assert sum(verdict.allowed for verdict in verdicts) == quota.burst


async def test_two_servers_with_a_cache_let_through_what_a_key_may_send(
    given_settings: Make, redis_server: RedisServer
) -> None:
    settings = given_settings(cache=Cache(url=redis_server.url))
    keys = [KeyId(an_id()) for _ in range(2)]
    async with (
        open_revenge(settings, worker=False) as one,
        open_revenge(settings, worker=False) as other,
    ):
        verdicts = {
            key: [await server.limits.take_of_key(key, 7) for _ in range(5) for server in (one, other)] for key in keys
        }
    assert [sum(verdict.allowed for verdict in verdicts[key]) for key in keys] == [7, 7]


async def test_what_every_request_counts_against_stays_in_the_process_where_there_is_a_cache(
    given_settings: Make, redis_server: RedisServer
) -> None:
    settings = given_settings(cache=Cache(url=redis_server.url))
    async with open_revenge(settings, worker=False) as server:
        quota = server.limits.quota(Tier.GLOBAL)
        verdicts = [server.limits.count("192.0.2.9") for _ in range(2 * quota.burst)]
    assert quota.burst <= sum(verdict.allowed for verdict in verdicts) < 2 * quota.burst


async def test_without_a_cache_each_counts_for_itself(given_settings: Make) -> None:
    async with open_revenge(given_settings(), worker=False) as server:
        quota = server.limits.quota(Tier.ACCOUNT)
        verdicts = [await server.limits.take(Tier.ACCOUNT, "192.0.2.9") for _ in range(quota.burst + 1)]
    assert [verdict.allowed for verdict in verdicts] == [True] * quota.burst + [False]
