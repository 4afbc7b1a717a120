"""Getting, administering and leaving accounts."""

from revenge_core.accounts.entities import AccountRules, Invitation, NewInvitation, Registration
from revenge_core.accounts.service import Accounts, Exports, Invitations

__all__ = ["AccountRules", "Accounts", "Exports", "Invitation", "Invitations", "NewInvitation", "Registration"]
