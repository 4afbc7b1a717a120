"""The unit of work: one transaction, seen by each feature through its own narrow protocol."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

Tx_co = TypeVar("Tx_co", covariant=True)


class UnitOfWork(Protocol[Tx_co]):
    """Opens transactions.

    `async with uow.begin() as tx:` commits on a clean exit and rolls back on any exception, a cancellation included.
    Nothing slow or external happens inside the block: no hashing, no mail, no HTTP.
    """

    def begin(self, *, durable: bool = True) -> AbstractAsyncContextManager[Tx_co]:
        """A new transaction; it is never nested and never shared between tasks.

        One that is not `durable` does not wait for the disk: where the machine itself fails within the next second it
        may be forgotten, whole. The next durable one that commits takes it to the disk as well.

        Raises (on entering, using or leaving it):
            DatabaseUnavailable: nothing was committed; only where the line broke during the very commit, nobody knows.
        """
        ...
