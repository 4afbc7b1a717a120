"""The production adapters, one provider per port. What has a life of its own comes in opened."""

from typing import Any

from dependency_injector import containers, providers

from revenge_adapters.checkpoints_ed25519 import Ed25519Signer
from revenge_adapters.fingerprints import KeyedFingerprints
from revenge_adapters.l1 import CachedPrincipals, CachedRoles, CachedUsers
from revenge_adapters.l1_keys import CachedKeys
from revenge_adapters.limits import ProcessLimiter
from revenge_adapters.locks import ProcessLocks
from revenge_adapters.master_secret import derived_key
from revenge_adapters.passwords_argon2 import Argon2Hasher
from revenge_adapters.pictures_pillow import PillowPictures
from revenge_adapters.postgres.accounts import PostgresInvitationReader
from revenge_adapters.postgres.activity import PostgresActivityReader
from revenge_adapters.postgres.api_keys import PostgresKeyPrincipalReader, PostgresKeyReader
from revenge_adapters.postgres.auth import PostgresAccountReader, PostgresPrincipalReader
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.devices import PostgresDeviceReader
from revenge_adapters.postgres.exports import PostgresExportReader, PostgresPersonalData
from revenge_adapters.postgres.feed import ChangeFollower
from revenge_adapters.postgres.groups import PostgresGroupReader
from revenge_adapters.postgres.guesses import PostgresGuessReader
from revenge_adapters.postgres.health import DatabaseProbe, MigrationsProbe
from revenge_adapters.postgres.jobs.reader import PostgresJobReader
from revenge_adapters.postgres.preferences import PostgresPreferenceReader
from revenge_adapters.postgres.rbac import PostgresRoleDirectory, PostgresRoleReader
from revenge_adapters.postgres.seals import PostgresSealReader
from revenge_adapters.postgres.sessions import PostgresSessionReader
from revenge_adapters.postgres.uow import PostgresUnitOfWork
from revenge_adapters.postgres.users import PostgresUserDirectory, PostgresUserReader
from revenge_adapters.probe_jobs import JobsProbe
from revenge_adapters.sealer_cryptography import CryptographySealer
from revenge_adapters.system import Uuid7Ids
from revenge_adapters.tokens_joserfc import JoserfcAccessTokens
from revenge_core.activity.ports import CheckpointShipper
from revenge_core.auth.entities import AuthRules
from revenge_core.jobs.ports import WakeUps
from revenge_core.mail.ports import Mailer, NoticeTemplates
from revenge_core.secrets import Secret
from revenge_core.storage.ports import FileStorage


class ProductionAdapters(containers.DeclarativeContainer):
    """PostgreSQL behind caches that the revocation feed guards."""

    database = providers.Dependency(instance_of=Database)
    follower = providers.Dependency(instance_of=ChangeFollower)
    wake_ups: providers.Dependency[WakeUps] = providers.Dependency()  # pyright: ignore[reportAssignmentType] # a port is no class that isinstance knows
    hasher = providers.Dependency(instance_of=Argon2Hasher)
    master_secret = providers.Dependency(instance_of=Secret)
    issuer = providers.Dependency(instance_of=str)
    auth_rules = providers.Dependency(instance_of=AuthRules)
    mailer: providers.Dependency[Mailer] = providers.Dependency()  # pyright: ignore[reportAssignmentType] # a port is no class that isinstance knows
    notice_templates: providers.Dependency[NoticeTemplates] = providers.Dependency()  # pyright: ignore[reportAssignmentType] # a port is no class that isinstance knows
    checkpoint_shipper: providers.Dependency[CheckpointShipper] = providers.Dependency()  # pyright: ignore[reportAssignmentType] # a port is no class that isinstance knows
    storage: providers.Dependency[FileStorage] = providers.Dependency()  # pyright: ignore[reportAssignmentType] # a port is no class that isinstance knows

    clock = follower
    locks: providers.Provider[Any] = providers.Singleton(ProcessLocks)
    share: providers.Provider[Any] = providers.Object(None)
    """Where there is a cache, `wiring.cache` sets others."""
    checkpoint_signer = providers.Singleton(Ed25519Signer, master_secret)
    fingerprints = providers.Singleton(
        KeyedFingerprints, providers.Callable(derived_key, master_secret, b"revenge request fingerprint v1", 32)
    )
    ids = providers.Singleton(Uuid7Ids)
    pictures = providers.Singleton(PillowPictures)
    sealer = providers.Singleton(CryptographySealer, master_secret)
    tokens = providers.Singleton(JoserfcAccessTokens, master_secret, auth_rules, issuer=issuer)
    uow = providers.Singleton(PostgresUnitOfWork, database, follower, sealer=sealer, wake_ups=wake_ups)
    account_reader = providers.Singleton(PostgresAccountReader, database)
    activity_reader = providers.Singleton(PostgresActivityReader, database, clock)
    key_reader = providers.Singleton(PostgresKeyReader, database)
    key_principal_reader = providers.Singleton(
        CachedKeys, providers.Singleton(PostgresKeyPrincipalReader, database), follower
    )
    principal_reader = providers.Singleton(
        CachedPrincipals, providers.Singleton(PostgresPrincipalReader, database), follower, clock, share=share
    )
    device_reader = providers.Singleton(PostgresDeviceReader, database)
    group_reader = providers.Singleton(PostgresGroupReader, database)
    guess_reader = providers.Singleton(PostgresGuessReader, database)
    job_reader = providers.Singleton(PostgresJobReader, database)
    role_directory = providers.Singleton(PostgresRoleDirectory, database)
    role_reader = providers.Singleton(CachedRoles, providers.Singleton(PostgresRoleReader, database), follower)
    seal_reader = providers.Singleton(PostgresSealReader, database)
    session_reader = providers.Singleton(PostgresSessionReader, database)
    user_reader = providers.Singleton(
        CachedUsers, providers.Singleton(PostgresUserReader, database), follower, share=share
    )
    invitation_reader = providers.Singleton(PostgresInvitationReader, database)
    user_directory = providers.Singleton(PostgresUserDirectory, database)
    export_reader = providers.Singleton(PostgresExportReader, database)
    personal_data = providers.Singleton(PostgresPersonalData, database)
    preference_reader = providers.Singleton(PostgresPreferenceReader, database)
    # Placeholders until their adapters land: each is replaced by whoever writes it.
    own_limiter = providers.Singleton(ProcessLimiter)
    shared_limiter: providers.Provider[Any] = own_limiter.provided
    """Where there is a cache, `wiring.cache` sets another in place of this one, which is not `own_limiter` itself."""
    probes = providers.List(
        providers.Singleton(DatabaseProbe, database),
        providers.Singleton(MigrationsProbe, database),
        providers.Singleton(JobsProbe, job_reader, clock),
    )
    caches = providers.List(
        principal_reader.provided.cache,
        user_reader.provided.cache,
        role_reader.provided.cache,
        key_principal_reader.provided.cache,
    )
    """What metrics tell of."""
