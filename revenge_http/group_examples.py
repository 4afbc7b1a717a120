"""One example per record of groups and explanations, for the documentation."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from revenge_core.rbac.entities import GrantSource, RuleKind
from revenge_http.explain import AccessExplanation, AccessRule, BelongsTo, EffectivePermissions
from revenge_http.grants import Holding
from revenge_http.groups import (
    Group,
    GroupCreate,
    GroupListResponse,
    GroupMember,
    GroupMemberListResponse,
    GroupUpdate,
    Membership,
)
from revenge_http.rbac import PermissionPattern
from revenge_http.wire import Wire

_THEN: Final = datetime(2026, 2, 14, 10, tzinfo=UTC)
_ADA: Final = UUID("019c5b1e-5e00-7000-8000-000000000001")
_group: Final = Group(
    id=UUID("019c5b1e-5e00-7000-8000-00000000000b"),
    name="Librarians",
    description="Look after films",
    roles=["moderator"],
    created_at=_THEN,
    updated_at=_THEN,
)
_member: Final = GroupMember(
    user_id=_ADA, username="ada", sources=[Membership(source=GrantSource.OIDC, added_at=_THEN)]
)

GROUP_EXAMPLES: Final[tuple[Wire, ...]] = (
    _group,
    GroupListResponse(groups=[_group], total=1),
    GroupCreate(name="Librarians", description="Look after films", roles=("moderator",)),
    GroupUpdate(roles=("moderator", "guest")),
    GroupMemberListResponse(members=[_member], total=1),
    EffectivePermissions(
        permissions=[PermissionPattern(resource="libraries", action="scan")],
        roles=[Holding(role="moderator", source="oidc", since=_THEN, group_id=_group.id, group=_group.name)],
        groups=[BelongsTo(id=_group.id, name=_group.name, source=GrantSource.OIDC, since=_THEN)],
        total=1,
    ),
    AccessExplanation(
        user_id=_ADA,
        username="ada",
        permission="libraries:scan",
        allowed=True,
        rules=[
            AccessRule(
                kind=RuleKind.MEMBERSHIP,
                subject="ada",
                object="Librarians",
                source=GrantSource.OIDC,
                text="user ada is in group Librarians (oidc)",
            ),
            AccessRule(
                kind=RuleKind.GROUP_ROLE,
                subject="Librarians",
                object="moderator",
                text="group Librarians carries role moderator",
            ),
            AccessRule(
                kind=RuleKind.POLICY,
                subject="moderator",
                object="libraries:scan",
                source=GrantSource.BUILT_IN,
                text="policy moderator has libraries:scan (built_in) matches libraries:scan",
            ),
        ],
        held=["moderator"],
        carriers=["admin", "moderator"],
    ),
)
