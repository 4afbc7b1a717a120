"""Use cases of API keys (decisions A4)."""

from datetime import timedelta

from revenge_core.actor import NOWHERE, Actor, Origin
from revenge_core.apikeys.entities import ApiKey, KeyChanges, KeyProposal, MadeKey, NewKey
from revenge_core.ids import KeyId, UserId
from revenge_core.secrets import Secret


class ApiKeys:
    """Keys that programs present instead of signing in. Whoever comes with one manages none (rulings R13)."""

    async def authenticate(self, presented: Secret, origin: Origin = NOWHERE) -> Actor:
        """Who presents this key, with the rights of this moment: the key's, as far as its owner has them.

        Raises:
            KeyInvalid: unknown, revoked or expired, or its owner is disabled or deleted: one answer (401).
            KeyAddressRefused: it is not taken from this address (403).
        """
        raise NotImplementedError

    async def create(self, actor: Actor, new: NewKey) -> MadeKey:
        """Make a key of the actor's own. It may name rights that its owner does not have: it never gets those.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeySpecInvalid: something about it breaks a rule; all of it is named.
            ReauthRequired: it reaches further than the scope `write`, and the latest proof is too old (W12).
            KeyNameTaken, TooManyKeys: the actor has one of this name, or as many as one may have.
        """
        raise NotImplementedError

    async def list(self, actor: Actor, user_id: UserId | None = None, *, every: bool = False) -> tuple[ApiKey, ...]:
        """Live keys of a user, of the actor if none is named, newest first; with `every` also those that are over.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            Forbidden: they are somebody else's, and the actor lacks `apikeys:list`.
        """
        raise NotImplementedError

    async def get(self, actor: Actor, key_id: KeyId) -> ApiKey:
        """One key, live or over.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeyNotFound: there is none, or it is somebody else's and the actor lacks `apikeys:list`.
        """
        raise NotImplementedError

    async def change(self, actor: Actor, key_id: KeyId, changes: KeyChanges, *, version: int | None = None) -> ApiKey:
        """Rename or narrow one of the actor's own keys; what is absent stays.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeySpecInvalid: something breaks a rule; all of it is named.
            KeyNotFound, KeyIsOver: the actor has no such key, or it is over.
            KeyWidened: it would be good for more than it is.
            KeyNameTaken: another one has this name.
            VersionMismatch: it is not at `version`.
        """
        raise NotImplementedError

    async def rotate(self, actor: Actor, key_id: KeyId, overlap: timedelta | None = None) -> MadeKey:
        """Replace the secret of one of the actor's own keys; the present one works on for `overlap` (0 to 7 days).

        The one before that, from an earlier rotation, stops working at once.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeySpecInvalid: the overlap is out of range.
            KeyNotFound, KeyIsOver: the actor has no such key, or it is over.
            ReauthRequired: as `create`.
        """
        raise NotImplementedError

    async def revoke(self, actor: Actor, key_id: KeyId) -> None:
        """End a key for good, on every node. Nothing happens if it was revoked before.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeyNotFound: there is none, or it is somebody else's and the actor lacks `apikeys:revoke`.
            RoleTooPowerful: its owner may do what the actor may not.
        """
        raise NotImplementedError

    async def proposal(self, actor: Actor, key_id: KeyId) -> KeyProposal:
        """What a key was seen to need while it was recording, and the least that would do.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeyNotFound: the actor has no such key.
        """
        raise NotImplementedError

    async def write_sightings(self) -> int:
        """Write down which keys were used, and what recording ones made use of; how many rows. Housekeeping calls it.

        Raises:
            DatabaseUnavailable: nothing was written; the next call tries again.
        """
        raise NotImplementedError
