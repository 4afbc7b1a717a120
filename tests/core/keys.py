"""API keys in the stories."""

from revenge_adapters import Sandbox
from revenge_core.actor import NOWHERE, Actor, Origin
from revenge_core.apikeys.entities import KeyScope, MadeKey, NewKey
from revenge_core.apikeys.errors import KeyInvalid
from revenge_core.secrets import Secret

READ = frozenset({KeyScope.READ})
WRITE = frozenset({KeyScope.WRITE})
ADMIN = frozenset({KeyScope.ADMIN})


async def make(box: Sandbox, actor: Actor, name: str = "kodi", **wishes: object) -> MadeKey:
    """A key of the actor's; it reads, unless something else is wished."""
    if "scopes" not in wishes and "permissions" not in wishes:
        wishes["scopes"] = READ
    return await box.revenge.api_keys.create(actor, NewKey(name=name, **wishes))  # type: ignore[arg-type] # what a test wishes fits


async def come(box: Sandbox, secret: Secret, origin: Origin = NOWHERE) -> Actor:
    """Whoever presents this key."""
    return await box.revenge.api_keys.authenticate(secret, origin)


async def works(box: Sandbox, *secrets: Secret) -> list[bool]:
    """Which of these keys are good."""
    good: list[bool] = []
    for secret in secrets:
        try:
            await come(box, secret)
        except KeyInvalid:
            good.append(False)
        else:
            good.append(True)
    return good
