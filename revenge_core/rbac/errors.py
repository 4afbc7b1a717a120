"""What role management refuses."""

from revenge_core.errors import Conflict, Forbidden, Invalid, NotFound


class RoleNotFound(NotFound):
    """There is no role of that name."""

    code = "role_not_found"
    title = "There is no role of that name"


class LastAdmin(Conflict):
    """Without this account nobody could administer the server (decisions I1)."""

    code = "last_admin"
    title = "This is the last administrator; make another one first"


class RoleTooPowerful(Forbidden):
    """Nobody hands out rights that they do not have themselves."""

    code = "role_too_powerful"
    title = "This role may do things that you may not, so you cannot hand it out"


class RoleCycle(Invalid):
    """A role would be its own ancestor."""

    code = "role_cycle"
    title = "A role cannot inherit from itself, not even through others"


class GroupNotFound(NotFound):
    """There is no group of that id."""

    code = "group_not_found"
    title = "There is no group of that id"


class MemberNotFound(NotFound):
    """Somebody is in no group that they could be taken out of."""

    code = "member_not_found"
    title = "This account is not in the group"


class GroupInvalid(Invalid):
    """Fields of a group break rules."""

    code = "group_invalid"
    title = "The group is not valid; correct what is named"


class GroupNameTaken(Conflict):
    """Names of groups are compared as those of users are (rulings R20)."""

    code = "group_name_taken"
    title = "Another group has this name; choose another one"
