"""What a process is called among workers."""

import os
import secrets
import socket
from collections.abc import Mapping
from importlib.metadata import version

from revenge_core.jobs.entities import WorkerInfo


def worker_info(queues: Mapping[str, int], role: str = "") -> WorkerInfo:
    """This process, under a name that none had before."""
    host, pid = socket.gethostname(), os.getpid()
    name = f"{host}-{pid}-{secrets.token_hex(4)}"
    return WorkerInfo(
        id=f"{name}-{role}" if role else name, host=host, pid=pid, version=version("revenge"), queues=dict(queues)
    )
