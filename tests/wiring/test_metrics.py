"""Metrics, as a scraper reads them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from revenge_adapters.l1 import GuardedCache
from revenge_adapters.meter import QueueView, Vitals
from revenge_adapters.metrics_caches import CacheCounters
from revenge_adapters.metrics_prometheus import PrometheusMeter, QueueGauges, listening
from revenge_core.background import JobState
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.entities import QueueInfo
from revenge_core.testing.contracts.cache import Film, Shelf
from revenge_core.testing.feeds import HandFeed

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
VIEW: Final = QueueView(
    now=NOW.timestamp(),
    queues=(
        QueueInfo(
            name="high",
            paused_at=None,
            workers=15,
            counts={JobState.AVAILABLE: 2},
            oldest_available_at=NOW - timedelta(seconds=90),
        ),
        QueueInfo(name="low", paused_at=NOW, workers=0, counts={}, oldest_available_at=None),
    ),
    counts={"high": {JobState.AVAILABLE: 2, JobState.COMPLETED: 5}, "low": {JobState.COMPLETED: 1}},
    workers=1,
    vitals=Vitals(oldest_transaction=1.5, dead_jobs=7),
)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def meter(registry: CollectorRegistry) -> PrometheusMeter:
    meter = PrometheusMeter(registry)
    meter.know(["send_email"])
    return meter


@asynccontextmanager
async def scraping(registry: CollectorRegistry) -> AsyncGenerator[Callable[[], Awaitable[dict[str, float]]]]:
    """Reads all samples over the port: `name{label=value,…}` → value."""
    async with listening("127.0.0.1", 0, registry) as port, httpx.AsyncClient(trust_env=False) as client:

        async def scrape() -> dict[str, float]:
            page = await client.get(f"http://127.0.0.1:{port}/metrics")
            assert page.status_code == 200
            return {
                sample.name + ",".join(f" {key}={value}" for key, value in sorted(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(page.text)
                for sample in family.samples
            }

        yield scrape


async def test_requests_and_runs_are_counted_under_the_names_of_the_original(
    registry: CollectorRegistry, meter: PrometheusMeter
) -> None:
    meter.request("GET", "/api/v1/users/me", 200, 0.002)
    meter.request("GET", "/api/v1/users/me", 200, 0.2)
    meter.limited("login", True)
    meter.limited("login", False)
    meter.job_started("send_email", 0.01)
    meter.job_started("send_email", -3)
    meter.job_ended("send_email", JobState.COMPLETED, 0.3)
    meter.job_ended("send_email", JobState.RETRYABLE, 0.3)
    meter.claimed(12, 0.002)
    meter.stored(12, 0.003)
    meter.rescued(2)
    meter.beat(-1)
    meter.ticked(1, 0.25)
    async with scraping(registry) as scrape:
        told = await scrape()
    assert told["revenge_http_requests_total method=GET, path=/api/v1/users/me, status=200"] == 2
    assert told["revenge_http_request_duration_seconds_bucket le=0.005, method=GET, path=/api/v1/users/me"] == 1
    assert told["revenge_ratelimit_hits_total action=allowed, limiter=login"] == 1
    assert told["revenge_ratelimit_hits_total action=blocked, limiter=login"] == 1
    assert told["revenge_jobs_completed_total job_type=send_email, status=success"] == 1
    assert told["revenge_jobs_completed_total job_type=send_email, status=failure"] == 1
    assert told["revenge_jobs_outcomes_total job_type=send_email, state=retryable"] == 1
    assert told["revenge_jobs_wait_seconds_sum job_type=send_email"] == 0.01
    assert told["revenge_jobs_running_here"] == 0
    assert told["revenge_jobs_claim_size_sum"] == 12
    assert told["revenge_jobs_finish_size_sum"] == 12
    assert told["revenge_jobs_rescued_total"] == 2
    assert told["revenge_jobs_lease_lag_seconds"] == 0
    assert told["revenge_jobs_scheduled_total"] == 1
    assert told["revenge_jobs_scheduler_lag_seconds"] == 0.25


async def test_caches_are_counted_by_name(registry: CollectorRegistry) -> None:
    shelf = Shelf()
    cache = GuardedCache(HandFeed(), shelf.recipe(), capacity=2)
    for key in ("alien", "alien", "brazil", "casablanca"):
        shelf.films[key] = Film(title=key)
        await cache.get(key)
    registry.register(CacheCounters([cache]))
    async with scraping(registry) as scrape:
        told = await scrape()
    assert told["revenge_cache_hits_total cache=films"] == 1
    assert told["revenge_cache_misses_total cache=films"] == 3
    assert told["revenge_cache_evictions_total cache=films"] == 1
    assert told["revenge_cache_size cache=films"] == 2


async def test_nobody_can_make_labels_by_inventing_kinds_or_methods(
    registry: CollectorRegistry, meter: PrometheusMeter
) -> None:
    for number in range(50):
        meter.job_ended(f"invented_{number}", JobState.DISCARDED, 0)
        meter.request(f"INVENTED{number}", "", 404, 0)
    async with scraping(registry) as scrape:
        told = await scrape()
    assert told["revenge_jobs_outcomes_total job_type=unknown, state=discarded"] == 50
    assert told["revenge_http_requests_total method=other, path=, status=404"] == 50
    assert not [name for name in told if "invented" in name.lower()]


async def test_the_queue_is_read_when_somebody_scrapes(registry: CollectorRegistry) -> None:
    async def read() -> QueueView:
        await asyncio.sleep(0)
        return VIEW

    registry.register(QueueGauges(asyncio.get_running_loop(), read))
    async with scraping(registry) as scrape:
        told = await scrape()
    assert told["revenge_database_up"] == 1
    assert told["revenge_jobs queue=high, state=available"] == 2
    assert told["revenge_jobs queue=low, state=available"] == 0
    assert told["revenge_jobs_queue_size state=completed"] == 6
    assert told["revenge_jobs_oldest_available_seconds queue=high"] == 90
    assert told["revenge_jobs_slots queue=high"] == 15
    assert told["revenge_jobs_queue_paused queue=low"] == 1
    assert told["revenge_jobs_workers"] == 1
    assert told["revenge_jobs_dead_rows"] == 7
    assert told["revenge_database_oldest_transaction_seconds"] == 1.5


async def test_a_database_that_is_away_costs_its_gauges_and_nothing_else(
    registry: CollectorRegistry, meter: PrometheusMeter, caplog: pytest.LogCaptureFixture
) -> None:
    async def read() -> QueueView:
        raise DatabaseUnavailable

    registry.register(QueueGauges(asyncio.get_running_loop(), read))
    meter.rescued(1)
    async with scraping(registry) as scrape:
        told = await scrape()
    assert told["revenge_database_up"] == 0
    assert told["revenge_jobs_rescued_total"] == 1
    assert not [name for name in told if name.startswith("revenge_jobs_workers")]
    assert "DatabaseUnavailable" in caplog.text
