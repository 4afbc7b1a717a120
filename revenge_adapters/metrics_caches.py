"""Counters of caches for Prometheus, read when somebody scrapes."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from revenge_adapters.meter import CountedCache


class CacheCounters(Collector):
    """Under the names of the original (decisions P8); `cache` is one of a few names that programmers chose."""

    def __init__(self, caches: Sequence[CountedCache]) -> None:
        self._caches = caches

    @override
    def collect(self) -> Iterable[Metric]:
        hits = CounterMetricFamily("revenge_cache_hits", "Values that were remembered.", labels=("cache",))
        misses = CounterMetricFamily("revenge_cache_misses", "Values that had to be read.", labels=("cache",))
        evictions = CounterMetricFamily(
            "revenge_cache_evictions", "Values that made room for others.", labels=("cache",)
        )
        sizes = GaugeMetricFamily("revenge_cache_size", "Values held.", labels=("cache",))
        for cache in self._caches:
            hits.add_metric([cache.name], cache.hits)
            misses.add_metric([cache.name], cache.misses)
            evictions.add_metric([cache.name], cache.evictions)
            sizes.add_metric([cache.name], len(cache))
        return (hits, misses, evictions, sizes)
