"""One example per record of `/rbac`, for the documentation."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from revenge_http.grants import AssignedRoles, HeldRoles, Holder, HolderList, Holding, RoleAssign
from revenge_http.rbac import (
    PermissionList,
    PermissionPattern,
    PermissionsReplace,
    PolicyInfo,
    PolicyList,
    PolicyRequest,
    RoleCreate,
    RoleDetail,
    RoleDetailList,
    RoleUpdate,
)
from revenge_http.wire import Wire

_THEN: Final = datetime(2026, 2, 14, 10, tzinfo=UTC)
_ADA: Final = UUID("019c5b1e-5e00-7000-8000-000000000001")
_list: Final = PermissionPattern(resource="movies", action="list")
_all: Final = PermissionPattern(resource="requests", action="*")
_role: Final = RoleDetail(
    name="curator",
    description="Answers requests",
    permissions=[_list, _all],
    parents=["user"],
    is_built_in=False,
    user_count=1,
)
_policy: Final = PolicyInfo(subject="curator", object="requests", action="*", source="manual")
_granted: Final = Holding(role="curator", source="manual", since=_THEN, given_by=_ADA)
_carried: Final = Holding(
    role="curator",
    source="oidc",
    since=_THEN,
    group_id=UUID("019c5b1e-5e00-7000-8000-00000000000b"),
    group="Librarians",
)

ROLE_EXAMPLES: Final[tuple[Wire, ...]] = (
    AssignedRoles(roles=["curator", "user"], total=2),
    HeldRoles(roles=["curator"], total=1, holdings=[_granted, _carried]),
    Holder(user_id=_ADA, username="ada", holdings=[_granted]),
    HolderList(users=[Holder(user_id=_ADA, username="ada", holdings=[_granted, _carried])], total=1),
    _carried,
    _list,
    PermissionList(permissions=[_list], total=1),
    PermissionsReplace(permissions=(_list, _all)),
    _policy,
    PolicyList(policies=[_policy], total=1),
    PolicyRequest(subject="curator", object="requests", action="*"),
    RoleAssign(role="curator"),
    RoleCreate(name="curator", description="Answers requests", permissions=(_list, _all), parents=("user",)),
    _role,
    RoleDetailList(roles=[_role], total=1),
    RoleUpdate(description="Answers requests and looks after films", parents=("moderator",)),
)
