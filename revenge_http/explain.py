"""`/rbac`: what somebody may do, and why (decisions A5)."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from revenge_core.apikeys.errors import KeyNotFound
from revenge_core.errors import Forbidden, KeyRefused
from revenge_core.ids import KeyId, UserId
from revenge_core.permissions import Permission
from revenge_core.rbac import entities
from revenge_core.rbac.entities import GrantSource, RuleKind
from revenge_core.users.errors import UserNotFound
from revenge_http.access import needs, signed_in
from revenge_http.grants import Holding
from revenge_http.operations import Call, operation
from revenge_http.rbac import PermissionPattern
from revenge_http.wire import Timestamp, Wire, present

WhoseName = Annotated[str, Meta(min_length=1, max_length=254)]
PermissionName = Annotated[str, Meta(min_length=3, max_length=64)]


class BelongsTo(Wire, kw_only=True):
    """A group that somebody is in, as one source has it."""

    id: UUID
    name: str
    source: GrantSource
    since: Timestamp


class EffectivePermissions(Wire, kw_only=True):
    """What somebody may do at this moment, and what they have it from. A disabled account may do nothing."""

    permissions: list[PermissionPattern]
    roles: list[Holding]
    groups: list[BelongsTo]
    total: int
    """So many permissions."""

    @classmethod
    def of(cls, effective: entities.Effective) -> "EffectivePermissions":
        """All of it."""
        return cls(
            permissions=[PermissionPattern.of(one.value) for one in sorted(effective.permissions)],
            roles=[Holding.of(one) for one in effective.holder.holdings],
            groups=[
                BelongsTo(id=one.group_id, name=one.group_name, source=one.source, since=one.since)
                for one in effective.groups
            ],
            total=len(effective.permissions),
        )


class AccessRule(Wire, kw_only=True):
    """One link in the chain behind a verdict; `text` says it in words."""

    kind: RuleKind
    subject: str
    object: str
    source: GrantSource | UnsetType = UNSET
    text: str


class AccessExplanation(Wire, kw_only=True):
    """A verdict, and why it is so: the shortest chain of rules that allows it, or what stands in the way.

    `held` are those of the user's roles that carry the permission, `carriers` all that do.
    """

    user_id: UUID
    username: str
    permission: str
    allowed: bool
    rules: list[AccessRule]
    held: list[str]
    carriers: list[str]

    @classmethod
    def of(cls, found: entities.Explanation) -> "AccessExplanation":
        """All of it."""
        return cls(
            user_id=found.user_id,
            username=found.username,
            permission=found.permission,
            allowed=found.allowed,
            rules=[
                AccessRule(
                    kind=one.kind, subject=one.subject, object=one.object, source=present(one.source), text=one.text
                )
                for one in found.rules
            ],
            held=list(found.held),
            carriers=list(found.carriers),
        )


@operation(
    "GET",
    "/api/v1/rbac/users/{userId}/permissions",
    "getUserPermissions",
    signed_in(),
    raises=(UserNotFound, Forbidden),
)
async def get_permissions(call: Call, user_id: UUID) -> EffectivePermissions:
    """What a user may do at this moment; one's own for anybody, other people's for whoever may read roles."""
    return EffectivePermissions.of(await call.revenge.explaining.effective(call.actor, UserId(user_id)))


@operation(
    "GET",
    "/api/v1/rbac/explain",
    "explainAccess",
    needs(Permission.ROLES_EXPLAIN),
    raises=(UserNotFound, KeyNotFound, KeyRefused),
)
async def explain(
    call: Call,
    user: WhoseName,
    permission: PermissionName,
    library: UUID | UnsetType = UNSET,
    key: UUID | UnsetType = UNSET,
) -> AccessExplanation:
    """Why a user (id or name), or with `key` a key of theirs, may do something or not; `library` counts for keys."""
    if key is UNSET:
        return AccessExplanation.of(await call.revenge.explaining.explain(call.actor, user, permission))
    where = None if library is UNSET else library
    found = await call.revenge.key_explaining.explain(call.actor, user, permission, KeyId(key), library=where)
    return AccessExplanation.of(found)


operations = (get_permissions, explain)
