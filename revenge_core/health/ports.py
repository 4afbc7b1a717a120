"""What health needs from outside."""

from typing import Protocol

from revenge_core.health.entities import Check


class Probe(Protocol):
    """Looks at one thing that Revenge depends on."""

    async def check(self) -> Check:
        """How it is, within two seconds; a thing that fails is an answer, never an exception."""
        ...
