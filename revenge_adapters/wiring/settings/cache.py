"""Settings of what processes share besides the database."""

from typing import Annotated

from msgspec import Meta

from revenge_core.entity import Entity
from revenge_core.secrets import Secret


class Cache(Entity, kw_only=True):
    """Dragonfly, where Revenge runs on several machines. Nothing in it has to survive, and nothing depends on it."""

    url: Annotated[
        Secret | None,
        Meta(
            description="Dragonfly, Valkey or Redis: `redis://:password@host:6379/0`, `rediss://…` for TLS, or "
            "`unix:///path`. It carries wake-ups between processes, and the jobs of `jobs.streams`, "
            "encrypted under the master secret; several installations may share one. Needs `revenge[dragonfly]`.",
        ),
    ] = None
    enabled: Annotated[bool, Meta(description="Whether `cache.url` is used.")] = True
    shared: Annotated[
        bool,
        Meta(
            description="Whether servers remember sessions and profiles together in it, encrypted, besides what each "
            "remembers itself. It spares the database reads, and costs a busy server more than these reads do."
        ),
    ] = False
