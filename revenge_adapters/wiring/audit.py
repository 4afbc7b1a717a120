"""Where checkpoints of the audit log are shipped to, as the settings say."""

from pathlib import Path

from revenge_adapters.checkpoints_shipping import FileShipper, HttpsShipper, NoShipper
from revenge_adapters.wiring.settings.records import Settings
from revenge_core.activity.ports import CheckpointShipper


def shipper(settings: Settings) -> CheckpointShipper:
    """What takes them there."""
    place = settings.audit.ship_to
    if place is None:
        return NoShipper()
    if place.startswith("https://"):
        return HttpsShipper(place, settings.audit.ship_token)
    return FileShipper(Path(place))
