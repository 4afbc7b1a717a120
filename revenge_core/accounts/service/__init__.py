"""Use cases of getting, administering and leaving accounts."""

from revenge_core.accounts.service.accounts import Accounts
from revenge_core.accounts.service.administration import Administration
from revenge_core.accounts.service.changing import Changing
from revenge_core.accounts.service.exports import Exports
from revenge_core.accounts.service.invitations import Invitations
from revenge_core.accounts.service.leaving import Leaving

__all__ = ["Accounts", "Administration", "Changing", "Exports", "Invitations", "Leaving"]
