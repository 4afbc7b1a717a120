"""`python -m tests.bench.queues NAME MEASURE URL '{"jobs": 100}'`: one measure of one queue, as JSON."""

import json
import logging
import sys
from typing import Any

import uvloop

from tests.bench.queues.measures import Queue


def queue_of(name: str, url: str) -> Queue:
    """The queue of that name; its packages are imported only now."""
    if name == "procrastinate":
        from tests.bench.queues.procrastinate_queue import Procrastinate

        return Procrastinate(url)
    if name.startswith("pgqueuer"):
        from tests.bench.queues.pgqueuer_queue import Pgqueuer

        return Pgqueuer(url, psycopg_driver=name.endswith("psycopg"))
    from tests.bench.queues.revenge_queue import RevengeQueue

    return RevengeQueue(url)


def main() -> None:
    """Measure."""
    logging.disable(logging.CRITICAL)
    name, measure, url, parameters = sys.argv[1:]
    asked: dict[str, Any] = json.loads(parameters)
    print(json.dumps(uvloop.run(getattr(queue_of(name, url), measure)(**asked))))


if __name__ == "__main__":
    main()
