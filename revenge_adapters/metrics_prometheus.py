"""Metrics for Prometheus, under the names of the original where it had them (decisions P8), on a port of their own."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from revenge_adapters.meter import Meter, QueueView
from revenge_core.background import JobState
from revenge_core.errors import RevengeError

T = TypeVar("T")

READ_SECONDS: Final = 3.0
"""Scrapers wait ten seconds as a rule; what the database cannot tell in three is left out of the page."""
REQUEST_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
JOB_SECONDS: Final = (0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600)
WAIT_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300, 3600)
STORE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
BATCH_SIZES: Final = (0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Others are a client's invention, and would be a label each."""

_log = logging.getLogger("revenge.metrics")


class PrometheusMeter(Meter):
    """Counts in memory. Kinds that it was not told of are counted as `unknown`: rows may carry any, labels may not."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._kinds: frozenset[str] = frozenset()
        self._children: dict[tuple[Any, ...], Any] = {}
        self._requests = Counter(
            "revenge_http_requests_total", "Requests answered.", ("method", "path", "status"), registry=registry
        )
        self._request_seconds = Histogram(
            "revenge_http_request_duration_seconds",
            "Seconds until a request was answered.",
            ("method", "path"),
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self._limited = Counter(
            "revenge_ratelimit_hits_total",
            "Requests that a limit of throughput counted.",
            ("limiter", "action"),
            registry=registry,
        )
        self._completed = Counter(
            "revenge_jobs_completed_total", "Runs of jobs that ended.", ("job_type", "status"), registry=registry
        )
        self._outcomes = Counter(
            "revenge_jobs_outcomes_total",
            "Runs by the state that they led to.",
            ("job_type", "state"),
            registry=registry,
        )
        self._job_seconds = Histogram(
            "revenge_jobs_duration_seconds", "Seconds of a run.", ("job_type",), buckets=JOB_SECONDS, registry=registry
        )
        self._waits = Histogram(
            "revenge_jobs_wait_seconds",
            "Seconds from due to started.",
            ("job_type",),
            buckets=WAIT_SECONDS,
            registry=registry,
        )
        self._running = Gauge("revenge_jobs_running_here", "Jobs that this process runs.", registry=registry)
        self._claim_seconds = Histogram(
            "revenge_jobs_claim_seconds", "Seconds of a claim.", buckets=STORE_SECONDS, registry=registry
        )
        self._claim_sizes = Histogram(
            "revenge_jobs_claim_size", "Jobs that one claim brought.", buckets=BATCH_SIZES, registry=registry
        )
        self._store_seconds = Histogram(
            "revenge_jobs_finish_seconds", "Seconds of storing ends of runs.", buckets=STORE_SECONDS, registry=registry
        )
        self._store_sizes = Histogram(
            "revenge_jobs_finish_size", "Ends of runs stored together.", buckets=BATCH_SIZES, registry=registry
        )
        self._rescued = Counter("revenge_jobs_rescued_total", "Jobs taken from lost workers.", registry=registry)
        self._ticked = Counter("revenge_jobs_scheduled_total", "Jobs enqueued by schedules.", registry=registry)
        self._beat_lag = Gauge(
            "revenge_jobs_lease_lag_seconds", "How late the lease was renewed last.", registry=registry
        )
        self._tick_lag = Gauge(
            "revenge_jobs_scheduler_lag_seconds", "How late schedules were looked at last.", registry=registry
        )

    def know(self, kinds: Iterable[str]) -> None:
        """These kinds of jobs may become labels."""
        self._kinds = frozenset(kinds)

    @override
    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        method = method if method in METHODS else "other"
        self._child(self._requests, method, route, str(status)).inc()
        self._child(self._request_seconds, method, route).observe(seconds)

    @override
    def limited(self, limiter: str, allowed: bool) -> None:
        self._child(self._limited, limiter, "allowed" if allowed else "blocked").inc()

    @override
    def job_started(self, kind: str, waited: float) -> None:
        self._running.inc()
        self._child(self._waits, self._kind(kind)).observe(max(0.0, waited))

    @override
    def job_ended(self, kind: str, state: str, seconds: float) -> None:
        kind = self._kind(kind)
        self._running.dec()
        self._child(self._outcomes, kind, state).inc()
        self._child(self._job_seconds, kind).observe(seconds)
        if state in {JobState.COMPLETED, JobState.RETRYABLE, JobState.DISCARDED}:
            status = "success" if state == JobState.COMPLETED else "failure"
            self._child(self._completed, kind, status).inc()

    @override
    def claimed(self, jobs: int, seconds: float) -> None:
        self._claim_seconds.observe(seconds)
        self._claim_sizes.observe(jobs)

    @override
    def stored(self, runs: int, seconds: float) -> None:
        self._store_seconds.observe(seconds)
        self._store_sizes.observe(runs)

    @override
    def rescued(self, jobs: int) -> None:
        self._rescued.inc(jobs)

    @override
    def beat(self, late: float) -> None:
        self._beat_lag.set(max(0.0, late))

    @override
    def ticked(self, jobs: int, late: float) -> None:
        self._ticked.inc(jobs)
        self._tick_lag.set(max(0.0, late))

    def _kind(self, kind: str) -> str:
        return kind if kind in self._kinds else "unknown"

    def _child(self, metric: Any, *labels: str) -> Any:  # noqa: ANN401 -- the library's metrics share no typed base
        # `labels()` takes a lock and builds a tuple of strings each time: 1.5 µs that a request can do without.
        key = (metric, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child


class QueueGauges(Collector):
    """Reads the queue when somebody scrapes, on the loop that the process runs on; the scraper's thread waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop, read: Callable[[], Awaitable[QueueView]]) -> None:
        self._loop = loop
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Nothing is read at registration."""
        return ()

    @override
    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("revenge_database_up", "Whether the database told what follows.")
        view = self._view()
        up.add_metric([], 1 if view else 0)
        return [up, *(_queue_metrics(view) if view else ())]

    def _view(self) -> QueueView | None:
        reading = asyncio.run_coroutine_threadsafe(self._in_time(), self._loop)
        try:
            return reading.result(READ_SECONDS + 1)
        except (RevengeError, OSError, TimeoutError) as problem:
            reading.cancel()
            _log.warning("gauges are left out: the database does not answer (%s)", type(problem).__name__)
            return None

    async def _in_time(self) -> QueueView:
        async with asyncio.timeout(READ_SECONDS):
            return await self._read()


def _queue_metrics(view: QueueView) -> Iterable[Metric]:
    jobs = GaugeMetricFamily("revenge_jobs", "Jobs by queue and state.", labels=("queue", "state"))
    sizes = GaugeMetricFamily("revenge_jobs_queue_size", "Jobs by state.", labels=("state",))
    oldest = GaugeMetricFamily(
        "revenge_jobs_oldest_available_seconds", "How long the oldest available job waits.", labels=("queue",)
    )
    slots = GaugeMetricFamily(
        "revenge_jobs_slots", "How many jobs of a queue all workers together run at a time.", labels=("queue",)
    )
    paused = GaugeMetricFamily("revenge_jobs_queue_paused", "Whether the queue is paused.", labels=("queue",))
    for queue in view.queues:
        states = view.counts.get(queue.name, {})
        for state in JobState:
            jobs.add_metric([queue.name, state], states.get(state, 0))
        since = queue.oldest_available_at
        oldest.add_metric([queue.name], 0 if since is None else max(0.0, view.now - since.timestamp()))
        slots.add_metric([queue.name], queue.workers)
        paused.add_metric([queue.name], 0 if queue.paused_at is None else 1)
    for state in JobState:
        sizes.add_metric([state], sum(states.get(state, 0) for states in view.counts.values()))
    workers = GaugeMetricFamily("revenge_jobs_workers", "Processes that run jobs.", value=view.workers)
    transaction = GaugeMetricFamily(
        "revenge_database_oldest_transaction_seconds",
        "Age of the oldest transaction that keeps dead rows from being cleaned up.",
        value=view.vitals.oldest_transaction,
    )
    dead = GaugeMetricFamily(
        "revenge_jobs_dead_rows", "Rows of the queue's table that wait to be cleaned up.", value=view.vitals.dead_jobs
    )
    return (jobs, sizes, oldest, slots, paused, workers, transaction, dead)


@asynccontextmanager
async def listening(host: str, port: int, registry: CollectorRegistry) -> AsyncGenerator[int]:
    """Answer scrapers of `registry` meanwhile, from threads of their own; the port that was taken.

    Raises:
        OSError: the port cannot be had.
    """
    server, thread = start_http_server(port, host, registry)
    try:
        yield server.server_port
    finally:
        await asyncio.to_thread(server.shutdown)
        await asyncio.to_thread(thread.join)
        server.server_close()
