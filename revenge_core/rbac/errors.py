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
