"""Limits of throughput (decisions W3, W4, W5): who asks too often is told when to come again."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.limits.entities import LimitRules, Quota
from revenge_http.app import create_app
from revenge_http.options import HttpOptions
from tests.http.support import MEMBER, PROXY, TRUSTED, Connect, problem, raw

MINUTE: Final = timedelta(minutes=1)
LOGIN: Final = "/api/v1/auth/login"
WRONG: Final = {"username": "nobody", "password": "wrong"}


@pytest.fixture
def box() -> Sandbox:
    return sandbox(
        limit_rules=LimitRules(
            everything=Quota(burst=30, window=timedelta(seconds=10)),
            login=Quota(burst=4, window=MINUTE),
            account=Quota(burst=3, window=MINUTE),
            refresh=Quota(burst=2, window=MINUTE),
        )
    )


def told(answer: httpx.Response) -> tuple[str, str]:
    return answer.headers["ratelimit-policy"], answer.headers["ratelimit"]


def came_through(answer: httpx.Response) -> bool:
    """Past this limit, that is; guessing has others, which count something else."""
    return bool(answer.json()["error"] != "rate_limited")


async def test_a_tier_says_what_is_left_of_it_with_every_answer(client: httpx.AsyncClient) -> None:
    answers = [await client.post(LOGIN, json=WRONG) for _ in range(4)]
    assert [one.status_code for one in answers] == [401] * 4
    assert [told(one) for one in answers] == [
        ('"login";q=4;w=60', f'"login";r={left};t={seconds}') for left, seconds in ((3, 15), (2, 30), (1, 45), (0, 60))
    ]


async def test_whoever_asks_too_often_is_told_when_to_come_again(client: httpx.AsyncClient, box: Sandbox) -> None:
    for _ in range(4):
        await client.post(LOGIN, json=WRONG)
    refused = await client.post(LOGIN, json=WRONG)
    problem(refused, 429, "rate_limited")
    assert refused.headers["retry-after"] == "15"
    assert told(refused) == ('"login";q=4;w=60', '"login";r=0;t=60')
    box.clock.advance(seconds=15)
    assert (await client.post(LOGIN, json=WRONG)).status_code == 401


async def test_success_says_what_is_left_too(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/auth/register", json=MEMBER)
    assert (answer.status_code, told(answer)) == (201, ('"account";q=3;w=60', '"account";r=2;t=20'))


async def test_routes_without_a_tier_say_nothing_until_they_refuse(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/healthz") for _ in range(31)]
    assert {"ratelimit" in one.headers for one in answers[:30]} == {False}
    problem(answers[30], 429, "rate_limited")
    assert told(answers[30]) == ('"global";q=30;w=10', '"global";r=0;t=10')
    assert answers[30].headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nowhere"), ("PUT", "/healthz"), ("GET", "/api//v1"), ("OPTIONS", LOGIN), ("POST", LOGIN)],
)
async def test_platform_1_3_what_is_refused_early_is_counted_all_the_same(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    """404, 405, 415 and preflights: nothing is free."""
    statuses = {(await client.request(method, path)).status_code for _ in range(31)}
    assert 429 in statuses


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}"])
async def test_defect_23_what_cannot_be_read_counts_as_a_try(client: httpx.AsyncClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answers = [await client.post(LOGIN, content=body, headers=headers) for _ in range(5)]
    assert [one.status_code for one in answers[:4]].count(429) == 0
    assert answers[4].status_code == 429


async def test_defect_23_a_limit_holds_in_the_long_run_and_is_no_limit_per_second(
    client: httpx.AsyncClient, box: Sandbox
) -> None:
    got = 0
    for _ in range(120):
        got += came_through(await client.post(LOGIN, json=WRONG))
        box.clock.advance(seconds=1)
    assert 4 + 120 // 15 - 1 <= got <= 4 + 120 // 15


@pytest.mark.parametrize(
    ("path", "tier"),
    [
        (LOGIN, "login"),
        ("/api/v1/auth/bootstrap", "login"),
        ("/api/v1/auth/register", "account"),
        ("/api/v1/auth/forgot-password", "account"),
        ("/api/v1/auth/reset-password", "account"),
        ("/api/v1/auth/verify-email", "account"),
        ("/api/v1/auth/resend-verification", "account"),
        ("/api/v1/auth/change-password", "login"),
        ("/api/v1/auth/reauthenticate", "login"),
        ("/api/v1/auth/refresh", "refresh"),
        ("/api/v1/sessions/refresh", "refresh"),
    ],
)
async def test_defect_23_everything_that_could_be_guessed_at_is_limited_before_anybody_is_asked_who_they_are(
    client: httpx.AsyncClient, path: str, tier: str
) -> None:
    answers = [await client.post(path, json={}) for _ in range(5)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["ratelimit"].startswith(f'"{tier}";r=0;')


async def test_operations_of_one_tier_share_it_and_tiers_do_not(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/auth/refresh", "/api/v1/sessions/refresh"):
        assert (await client.post(path, json={"refresh_token": "x"})).status_code == 401
    problem(await client.post("/api/v1/auth/refresh", json={"refresh_token": "x"}), 429, "rate_limited")
    assert (await client.post(LOGIN, json=WRONG)).status_code == 401


@pytest.mark.asvs("6.3.1")
@pytest.mark.parametrize("header", ["x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip", "true-client-ip"])
async def test_defect_06_forged_addresses_change_nothing_about_limits(
    client: httpx.AsyncClient, box: Sandbox, header: str
) -> None:
    got = 0
    for number in range(200):
        answer = await client.post(LOGIN, json=WRONG, headers={header: f"203.0.113.{number}"})
        got += came_through(answer)
        if number % 20 == 19:
            box.clock.advance(seconds=10)
    assert got <= 4 + 100 // 15


@pytest.mark.asvs("6.3.1")
async def test_defect_06_behind_a_proxy_what_the_client_wrote_itself_changes_nothing(
    connect: Connect, box: Sandbox
) -> None:
    client = connect(peer=PROXY, trusted_proxies=TRUSTED)
    statuses = [
        (await client.post(LOGIN, json=WRONG, headers={"x-forwarded-for": f"203.0.113.{n}, 198.51.100.7"})).status_code
        for n in range(6)
    ]
    assert statuses == [401] * 4 + [429] * 2
    elsewhere = {"x-forwarded-for": "203.0.113.1, 198.51.100.8"}
    assert (await client.post(LOGIN, json=WRONG, headers=elsewhere)).status_code == 401


async def test_a_flood_from_one_ipv6_network_counts_as_one(connect: Connect) -> None:
    statuses = [
        (await connect(peer=f"2001:db8:0:1::{number:x}").post(LOGIN, json=WRONG)).status_code for number in range(6)
    ]
    assert statuses == [401] * 4 + [429] * 2
    assert (await connect(peer="2001:db8:0:2::1").post(LOGIN, json=WRONG)).status_code == 401


async def test_an_ipv4_address_inside_an_ipv6_one_is_the_same_client(connect: Connect) -> None:
    for peer in ("192.0.2.1", "::ffff:192.0.2.1") * 2:
        assert (await connect(peer=peer).post(LOGIN, json=WRONG)).status_code == 401
    assert (await connect(peer="::ffff:192.0.2.1").post(LOGIN, json=WRONG)).status_code == 429
    assert (await connect(peer="192.0.2.2").post(LOGIN, json=WRONG)).status_code == 401


async def test_who_has_no_address_is_limited_like_everybody(box: Sandbox) -> None:
    app = create_app(box.revenge, HttpOptions())
    statuses = [(await raw(app, client=None))[0] for _ in range(31)]
    assert statuses == [200] * 30 + [429]


async def test_what_is_refused_early_is_logged_and_counted(
    connect: Connect, caplog: pytest.LogCaptureFixture, box: Sandbox
) -> None:
    caplog.set_level(logging.INFO, "revenge.http.access")
    observed: list[tuple[str, str, int]] = []
    counted: list[tuple[str, bool]] = []

    def observe(method: str, path: str, status: int, _seconds: float) -> None:
        observed.append((method, path, status))

    def count(tier: str, allowed: bool) -> None:
        counted.append((tier, allowed))

    client = connect(
        observe=observe,
        counted=count,
    )
    for _ in range(5):
        await client.post(LOGIN, json=WRONG)
    assert observed[-1] == ("POST", LOGIN, 429)
    assert counted[-2:] == [("global", True), ("login", False)]
    assert " 429 " in caplog.messages[-1]
    for _ in range(26):
        await client.get("/healthz")
    assert observed[-1] == ("GET", "", 429)
    assert counted[-1] == ("global", False)


async def test_pages_of_other_origins_may_read_how_long_to_wait(connect: Connect) -> None:
    client = connect(cors_origins=("https://app.example.org",))
    for _ in range(4):
        await client.post(LOGIN, json=WRONG)
    refused = await client.post(LOGIN, json=WRONG, headers={"origin": "https://app.example.org"})
    assert refused.status_code == 429
    assert refused.headers["access-control-allow-origin"] == "https://app.example.org"
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(
        refused.headers["access-control-expose-headers"].split(", ")
    )


async def test_a_refused_request_does_nothing(client: httpx.AsyncClient, box: Sandbox) -> None:
    for number in range(4):
        await client.post("/api/v1/auth/register", json=MEMBER | {"username": f"ada{number}", "email": f"{number}@x.y"})
    assert len(box.rows.users) == 3


@pytest.fixture
def unlimited() -> Sandbox:
    return sandbox(limit_rules=LimitRules(is_on=False, everything=Quota(burst=1, window=MINUTE)))


async def test_limits_can_be_switched_off(unlimited: Sandbox) -> None:
    transport = httpx.ASGITransport(create_app(unlimited.revenge, HttpOptions()))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answers = [await client.get("/healthz") for _ in range(10)]
    assert {one.status_code for one in answers} == {200}
    assert {"ratelimit" in one.headers for one in answers} == {False}


def test_the_setting_switches_them_off(settings_of: Callable[..., LimitRules]) -> None:
    assert settings_of(REVENGE_SERVER_RATE_LIMIT_ENABLED="false").is_on is False
    assert settings_of().is_on is True


@pytest.fixture
def settings_of() -> Callable[..., LimitRules]:
    from revenge_adapters.wiring.rules import limit_rules
    from revenge_adapters.wiring.settings import load_settings

    def rules(**environ: str) -> LimitRules:
        return limit_rules(load_settings(environ=environ).settings)

    return rules
