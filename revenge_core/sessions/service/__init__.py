"""Use cases of sessions and of the devices they run on."""

from revenge_core.sessions.service.devices import Devices
from revenge_core.sessions.service.sessions import Sessions

__all__ = ["Devices", "Sessions"]
