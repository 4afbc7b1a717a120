"""What role management refuses."""

from revenge_core.errors import Invalid, NotFound


class RoleNotFound(NotFound):
    """There is no role of that name."""

    code = "role_not_found"
    title = "There is no role of that name"


class RoleCycle(Invalid):
    """A role would be its own ancestor."""

    code = "role_cycle"
    title = "A role cannot inherit from itself, not even through others"
