"""One transaction, with all that any feature does in it."""

from typing import Protocol

from revenge_core.accounts.ports import AccountsTx
from revenge_core.activity.ports import ActivitySealsTx
from revenge_core.apikeys.ports import ApiKeysTx
from revenge_core.idempotency.ports import IdempotencyTx
from revenge_core.jobs.ports import JobAdminTx


class EveryTx(AccountsTx, ApiKeysTx, ActivitySealsTx, IdempotencyTx, JobAdminTx, Protocol):
    """What a unit of work hands out, before each feature sees only its own part of it.

    A feature whose protocol no other feature includes is added to the bases; both units of work then owe it.
    """
