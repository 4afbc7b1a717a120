"""`/rbac/groups`: people who carry roles together. Changing them takes a recent proof, and so no API key will do."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from revenge_core.errors import ReauthRequired
from revenge_core.ids import GroupId, UserId
from revenge_core.permissions import Permission
from revenge_core.rbac import entities
from revenge_core.rbac.errors import (
    GroupInvalid,
    GroupNameTaken,
    GroupNotFound,
    LastAdmin,
    MemberNotFound,
    OwnAdmin,
    RoleNotFound,
    RoleTooPowerful,
)
from revenge_core.rbac.policy import GROUP_DESCRIPTION_MAX, GROUP_NAME_MAX, GROUP_ROLES_MAX
from revenge_core.users.errors import UserNotFound
from revenge_http.access import needs
from revenge_http.answers import Made, Tagged
from revenge_http.operations import Call, operation
from revenge_http.paging import DEFAULT_LIMIT, Limit, Offset
from revenge_http.repeats import Repeats
from revenge_http.wire import Timestamp, Wire, present

_GROUPS = "/api/v1/rbac/groups"
_GROUP = f"{_GROUPS}/{{groupId}}"
_MEMBER = f"{_GROUP}/members/{{userId}}"

GroupName = Annotated[str, Meta(min_length=1, max_length=GROUP_NAME_MAX)]
GroupDescription = Annotated[str, Meta(max_length=GROUP_DESCRIPTION_MAX)]
GroupRoles = Annotated[tuple[str, ...], Meta(max_length=GROUP_ROLES_MAX)]


class Group(Wire, kw_only=True):
    """A group, and the roles that everybody holds who is in it."""

    id: UUID
    name: str
    description: str
    roles: list[str]
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, group: entities.Group) -> "Group":
        """One group."""
        return cls(
            id=group.id,
            name=group.name,
            description=group.description,
            roles=sorted(group.roles),
            created_at=group.created_at,
            updated_at=group.updated_at,
        )


class GroupListResponse(Wire, kw_only=True):
    """Some groups, and how many there are in all."""

    groups: list[Group]
    total: int


class GroupCreate(Wire, kw_only=True):
    """A group to be made; nobody is in it yet."""

    name: GroupName
    description: GroupDescription = ""
    roles: GroupRoles = ()


class GroupUpdate(Wire, kw_only=True):
    """What to change; what is left out stays. `roles` are all that the group then carries."""

    name: GroupName | UnsetType = UNSET
    description: GroupDescription | UnsetType = UNSET
    roles: GroupRoles | UnsetType = UNSET


class Membership(Wire, kw_only=True):
    """Since when somebody is in a group as one source has it, and which user did it where one did."""

    source: entities.GrantSource
    added_at: Timestamp
    added_by: UUID | UnsetType = UNSET


class GroupMember(Wire, kw_only=True):
    """Somebody who is in a group, and who put them there: each source for itself."""

    user_id: UUID
    username: str
    sources: list[Membership]

    @classmethod
    def of(cls, member: entities.Member) -> "GroupMember":
        """One member."""
        sources = [
            Membership(source=one.source, added_at=one.added_at, added_by=present(one.added_by))
            for one in member.memberships
        ]
        return cls(user_id=member.user_id, username=member.username, sources=sources)


class GroupMemberListResponse(Wire, kw_only=True):
    """Some members, and how many there are in all."""

    members: list[GroupMember]
    total: int


_powers = (ReauthRequired, RoleTooPowerful)


@operation("GET", _GROUPS, "listGroups", needs(Permission.GROUPS_LIST))
async def list_groups(call: Call, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> GroupListResponse:
    """Groups, by name."""
    page = await call.revenge.groups.list(call.actor, limit=limit, offset=offset)
    return GroupListResponse(groups=[Group.of(one) for one in page.groups], total=page.total)


@operation(
    "POST",
    _GROUPS,
    "createGroup",
    needs(Permission.GROUPS_CREATE, keys=False),
    status=201,
    raises=(*_powers, GroupInvalid, GroupNameTaken, RoleNotFound),
    repeats=Repeats.ANSWER,
)
async def create_group(call: Call, body: GroupCreate) -> Made[Group]:
    """Make a group. What it carries, the caller must be able to hand out."""
    new = entities.NewGroup(name=body.name, description=body.description, roles=frozenset(body.roles))
    group = await call.revenge.groups.create(call.actor, new)
    return Made(Group.of(group), f"{_GROUPS}/{group.id}", version=group.version)


@operation("GET", _GROUP, "getGroup", needs(Permission.GROUPS_GET), raises=(GroupNotFound,))
async def get_group(call: Call, group_id: UUID) -> Tagged[Group]:
    """One group."""
    group = await call.revenge.groups.get(call.actor, GroupId(group_id))
    return Tagged(Group.of(group), group.version)


@operation(
    "PATCH",
    _GROUP,
    "updateGroup",
    needs(Permission.GROUPS_UPDATE, keys=False),
    raises=(*_powers, GroupNotFound, GroupInvalid, GroupNameTaken, RoleNotFound, LastAdmin, OwnAdmin),
)
async def update_group(call: Call, group_id: UUID, body: GroupUpdate) -> Tagged[Group]:
    """Change a group; what it carries from now on, all who are in it hold at once."""
    changes = entities.GroupChanges(
        name=body.name,
        description=body.description,
        roles=UNSET if body.roles is UNSET else frozenset(body.roles),
    )
    group = await call.revenge.groups.change(call.actor, GroupId(group_id), changes, version=call.version)
    return Tagged(Group.of(group), group.version)


@operation(
    "DELETE",
    _GROUP,
    "deleteGroup",
    needs(Permission.GROUPS_DELETE, keys=False),
    raises=(*_powers, GroupNotFound, LastAdmin, OwnAdmin),
    versioned=True,
)
async def delete_group(call: Call, group_id: UUID) -> None:
    """Delete a group: whoever was in it holds its roles no longer, unless they have them from elsewhere."""
    await call.revenge.groups.delete(call.actor, GroupId(group_id), version=call.version)


@operation("GET", f"{_GROUP}/members", "listGroupMembers", needs(Permission.GROUPS_GET), raises=(GroupNotFound,))
async def list_members(
    call: Call, group_id: UUID, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> GroupMemberListResponse:
    """Who is in the group, by user name, and who put them there."""
    page = await call.revenge.groups.members(call.actor, GroupId(group_id), limit=limit, offset=offset)
    return GroupMemberListResponse(members=[GroupMember.of(one) for one in page.members], total=page.total)


@operation(
    "PUT",
    _MEMBER,
    "addGroupMember",
    needs(Permission.GROUPS_UPDATE, keys=False),
    raises=(*_powers, GroupNotFound, UserNotFound),
)
async def add_member(call: Call, group_id: UUID, user_id: UUID) -> None:
    """Put somebody into a group, which hands out its roles. Again changes nothing."""
    await call.revenge.groups.add_member(call.actor, GroupId(group_id), UserId(user_id))


@operation(
    "DELETE",
    _MEMBER,
    "removeGroupMember",
    needs(Permission.GROUPS_UPDATE, keys=False),
    raises=(*_powers, GroupNotFound, MemberNotFound, UserNotFound, LastAdmin, OwnAdmin),
)
async def remove_member(call: Call, group_id: UUID, user_id: UUID) -> None:
    """Take somebody out of a group, whoever put them there."""
    await call.revenge.groups.remove_member(call.actor, GroupId(group_id), UserId(user_id))


operations = (
    list_groups,
    create_group,
    get_group,
    update_group,
    delete_group,
    list_members,
    add_member,
    remove_member,
)
"""In the order of the document."""
