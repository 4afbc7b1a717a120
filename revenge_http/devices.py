"""`/users/me/devices`: what one signs in from."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from revenge_core.ids import DeviceId
from revenge_core.sessions.entities import ListedDevice
from revenge_core.sessions.errors import DeviceNotFound
from revenge_http.access import signed_in
from revenge_http.operations import Call, operation
from revenge_http.wire import Timestamp, Wire, present


class DeviceInfo(Wire, kw_only=True):
    """One device. `is_known`: signing in with its token counts as a known device; `is_current`: this request's."""

    id: UUID
    name: str | UnsetType = UNSET
    client_type: str
    platform: str | UnsetType = UNSET
    last_address: str | UnsetType = UNSET
    created_at: Timestamp
    last_seen_at: Timestamp
    is_current: bool
    is_known: bool

    @classmethod
    def of(cls, listed: ListedDevice) -> "DeviceInfo":
        """The device as its owner sees it."""
        device = listed.device
        return cls(
            id=device.id,
            name=present(device.name),
            client_type=device.client_type.value,
            platform=present(device.platform),
            last_address=present(device.last_address),
            created_at=device.created_at,
            last_seen_at=device.last_seen_at,
            is_current=listed.is_current,
            is_known=listed.is_known,
        )


class DeviceListResponse(Wire, kw_only=True):
    """All of one's devices, the last seen first."""

    devices: list[DeviceInfo]
    total: int


_own = signed_in(keys=False)


@operation("GET", "/api/v1/users/me/devices", "listDevices", _own)
async def list_devices(call: Call) -> DeviceListResponse:
    """What one has signed in from, the last seen first."""
    found = await call.revenge.devices.list(call.actor)
    return DeviceListResponse(devices=[DeviceInfo.of(one) for one in found], total=len(found))


@operation("DELETE", "/api/v1/users/me/devices/{deviceId}", "forgetDevice", _own, raises=(DeviceNotFound,))
async def forget(call: Call, device_id: UUID) -> None:
    """Sign out a device everywhere, and treat it as a stranger from now on."""
    if await call.revenge.devices.forget(call.actor, DeviceId(device_id)):
        call.cookies.clear()


operations = (list_devices, forget)
