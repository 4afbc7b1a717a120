"""The table of contents of the product."""

from revenge_core.accounts.service import Accounts, Administration, Exports, Invitations
from revenge_core.activity.service import Activity, Audit, AuditReading, Denials
from revenge_core.apikeys.service import ApiKeys, KeyExplaining
from revenge_core.auth.service import Auth, Guessing, Recovery
from revenge_core.entity import Entity
from revenge_core.health.service import Health
from revenge_core.idempotency.service import Idempotency
from revenge_core.jobs.service import Jobs
from revenge_core.limits.service import Limits
from revenge_core.mail.service import Mail
from revenge_core.rbac.service import Explaining, Grants, Groups, Rbac, Roles
from revenge_core.sessions.service import Devices, Sessions
from revenge_core.users.service import Addresses, Avatars, UserPreferences, Users


class Revenge(Entity, kw_only=True):
    """Everything Revenge can do, one field per service. `open_revenge()` and `sandbox()` make one."""

    accounts: Accounts
    activity: Activity
    addresses: Addresses
    administration: Administration
    api_keys: ApiKeys
    audit: Audit
    audit_reading: AuditReading
    auth: Auth
    avatars: Avatars
    denials: Denials
    devices: Devices
    explaining: Explaining
    exports: Exports
    grants: Grants
    groups: Groups
    guessing: Guessing
    health: Health
    idempotency: Idempotency
    invitations: Invitations
    jobs: Jobs
    key_explaining: KeyExplaining
    limits: Limits
    mail: Mail
    preferences: UserPreferences
    rbac: Rbac
    recovery: Recovery
    roles: Roles
    sessions: Sessions
    users: Users
