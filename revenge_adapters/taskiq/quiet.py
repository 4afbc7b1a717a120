"""What Taskiq must not write into a log."""

import logging

from typing_extensions import override


class _NoTraces(logging.Filter):
    @override
    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg != "Exception found while executing function."


def be_quiet() -> None:
    """Leave out a line for each job that begins, the arguments of `.kiq()`, and what handlers raise.

    Arguments are private. What a handler raised is kept with the job, and may quote them.
    """
    receiver = logging.getLogger("taskiq.receiver.receiver")
    receiver.setLevel(logging.WARNING)
    if not any(isinstance(one, _NoTraces) for one in receiver.filters):
        receiver.addFilter(_NoTraces())
    logging.getLogger("taskiq.kicker").setLevel(logging.INFO)
