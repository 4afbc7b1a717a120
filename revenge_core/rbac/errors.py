"""What role management refuses."""

from revenge_core.errors import Conflict, Forbidden, Invalid, NotFound


class RoleNotFound(NotFound):
    """There is no role of that name."""

    code = "role_not_found"
    title = "There is no role of that name"


class RoleExists(Conflict):
    """Names of roles differ by more than capital letters."""

    code = "role_exists"
    title = "There is a role of that name already"


class RolesFull(Conflict):
    """Every server has every role in memory."""

    code = "roles_full"
    title = "There are as many roles as there can be; delete one that nobody needs"


class RoleInvalid(Invalid):
    """Fields of a role break rules."""

    code = "role_invalid"
    title = "The role is not valid; correct what is named"


class RoleUnknown(Invalid):
    """A request names a role that does not exist (rulings R14)."""

    code = "role_unknown"
    title = "There is no role of that name, so nobody can hold it"


class RoleBuiltIn(Invalid):
    """Revenge counts on its built-in roles (decisions A1)."""

    code = "role_built_in"
    title = "A built-in role cannot be deleted or emptied, and the role admin not changed"


class RoleInUse(Invalid):
    """Somebody would lose the role without being asked about; the contract has it so with status 400."""

    code = "role_in_use"
    title = "The role is in use; take it away from whoever has it first"


class RoleNotHeld(NotFound):
    """There is no direct grant that could be withdrawn."""

    code = "role_not_held"
    title = "This account was not given that role directly"


class PolicyInvalid(Invalid):
    """A policy names a role or a permission that does not exist (rulings R14)."""

    code = "policy_invalid"
    title = "The policy is not valid; correct what is named"


class PolicyNotFound(NotFound):
    """The role does not have that permission of its own."""

    code = "policy_not_found"
    title = "There is no such policy; a role may also have a permission by a pattern, or from a parent"


class OwnAdmin(Conflict):
    """Nobody takes the server away from themselves by mistake."""

    code = "own_admin"
    title = "You cannot take the role admin from yourself; another administrator can"


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
