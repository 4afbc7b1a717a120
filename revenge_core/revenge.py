"""The table of contents of the product."""

from revenge_core.activity.service import Activity
from revenge_core.auth.service import Auth
from revenge_core.entity import Entity
from revenge_core.health.service import Health
from revenge_core.jobs.service import Jobs
from revenge_core.mail.service import Mail
from revenge_core.rbac.service import Rbac
from revenge_core.sessions.service import Sessions
from revenge_core.users.service import Users


class Revenge(Entity, kw_only=True):
    """Everything Revenge can do, one field per service. `open_revenge()` and `sandbox()` make one."""

    activity: Activity
    auth: Auth
    health: Health
    jobs: Jobs
    mail: Mail
    rbac: Rbac
    sessions: Sessions
    users: Users
