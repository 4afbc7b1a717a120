"""Services over the adapters of a world: the container of production, and no cache."""

from typing import Final

from dependency_injector import containers, providers

from revenge_adapters.fingerprints import KeyedFingerprints
from revenge_adapters.limits import ProcessLimiter
from revenge_adapters.mail_templates import FileTemplates
from revenge_adapters.memory.mail import MemoryMailer
from revenge_adapters.memory.passwords import QuickHasher
from revenge_adapters.memory.pictures import MemoryPictures
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.memory.seals import MemoryShipper, MemorySigner
from revenge_adapters.memory.storage import MemoryFileStorage
from revenge_adapters.memory.tokens import PlainAccessTokens
from revenge_adapters.system import Uuid7Ids
from revenge_adapters.wiring.rules import Rules
from revenge_adapters.wiring.services import Services
from revenge_core.auth.ports import PasswordHasher
from revenge_core.clock import Clock
from revenge_core.revenge import Revenge
from revenge_core.sessions.entities import SessionRules
from revenge_core.testing.contracts.world import World

_OF_WORLD: Final = {
    "account_reader": "accounts",
    "activity_reader": "activity",
    "device_reader": "devices",
    "export_reader": "exports",
    "group_reader": "groups",
    "guess_reader": "guesses",
    "invitation_reader": "invitations",
    "job_reader": "job_reader",
    "personal_data": "personal_data",
    "preference_reader": "preferences",
    "key_reader": "api_keys",
    "key_principal_reader": "key_principals",
    "principal_reader": "principals",
    "role_directory": "role_directory",
    "role_reader": "roles",
    "seal_reader": "seals",
    "session_reader": "sessions",
    "uow": "uow",
    "user_directory": "user_directory",
    "user_reader": "users",
}
"""Provider → field of the world."""


def services_over(
    world: World, clock: Clock, session_rules: SessionRules | None = None, hasher: PasswordHasher | None = None
) -> Revenge:
    """What one server does over the world's store. Load its signing keys before anybody signs in."""
    rules = Rules(sessions=session_rules or SessionRules())
    adapters = containers.DynamicContainer()
    for provider, name in _OF_WORLD.items():
        adapters.set_provider(provider, providers.Object(getattr(world, name, None)))
    others: dict[str, object] = {
        "checkpoint_shipper": MemoryShipper(),
        "checkpoint_signer": MemorySigner(),
        "clock": clock,
        "fingerprints": KeyedFingerprints(b"tests"),
        "hasher": hasher or QuickHasher(),
        "ids": Uuid7Ids(),
        "mailer": MemoryMailer(),
        "notice_templates": FileTemplates(),
        "own_limiter": ProcessLimiter(),
        "pictures": MemoryPictures(),
        "probes": [],
        "sealer": MemorySealer(),
        "shared_limiter": ProcessLimiter(),
        "storage": MemoryFileStorage(clock),
        "tokens": PlainAccessTokens(rules.auth),
    }
    for provider, adapter in others.items():
        adapters.set_provider(provider, providers.Object(adapter))
    revenge: Revenge = Services(adapters=adapters, rules=rules).revenge()
    return revenge
