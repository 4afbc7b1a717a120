"""The doubles, one provider per port."""

from dependency_injector import containers, providers

from revenge_adapters.fingerprints import KeyedFingerprints
from revenge_adapters.limits import ProcessLimiter
from revenge_adapters.mail_templates import FileTemplates
from revenge_adapters.memory.accounts import MemoryInvitationReader
from revenge_adapters.memory.activity import MemoryActivityReader
from revenge_adapters.memory.api_keys import MemoryKeyPrincipalReader, MemoryKeyReader
from revenge_adapters.memory.auth import MemoryAccountReader, MemoryPrincipalReader
from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.devices import MemoryDeviceReader
from revenge_adapters.memory.exports import MemoryExportReader, MemoryPersonalData
from revenge_adapters.memory.groups import MemoryGroupReader
from revenge_adapters.memory.guesses import MemoryGuessReader
from revenge_adapters.memory.health import SteadyProbe
from revenge_adapters.memory.ids import CountingIds
from revenge_adapters.memory.jobs.reader import MemoryJobReader
from revenge_adapters.memory.jobs.store import MemoryJobStore
from revenge_adapters.memory.jobs.upkeep import MemoryJobUpkeep
from revenge_adapters.memory.jobs.wakeups import MemoryWakeUps
from revenge_adapters.memory.mail import MemoryMailer
from revenge_adapters.memory.passwords import QuickHasher
from revenge_adapters.memory.pictures import MemoryPictures
from revenge_adapters.memory.preferences import MemoryPreferenceReader
from revenge_adapters.memory.rbac import MemoryRoleDirectory, MemoryRoleReader
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.memory.seals import MemorySealReader, MemoryShipper, MemorySigner
from revenge_adapters.memory.sessions import MemorySessionReader
from revenge_adapters.memory.storage import MemoryFileStorage
from revenge_adapters.memory.tables import MemoryTables
from revenge_adapters.memory.tokens import PlainAccessTokens
from revenge_adapters.memory.uow import MemoryUnitOfWork
from revenge_adapters.memory.users import MemoryUserDirectory, MemoryUserReader
from revenge_core.auth.entities import AuthRules


class MemoryAdapters(containers.DeclarativeContainer):
    """A world of its own for each instance: nothing is shared between two sandboxes."""

    auth_rules = providers.Dependency(instance_of=AuthRules)

    clock = providers.Singleton(ManualClock)
    tables = providers.Singleton(MemoryTables, clock)
    fingerprints = providers.Singleton(KeyedFingerprints, b"sandbox")
    ids = providers.Singleton(CountingIds)
    hasher = providers.Singleton(QuickHasher)
    mailer = providers.Singleton(MemoryMailer)
    notice_templates = providers.Singleton(FileTemplates)
    sealer = providers.Singleton(MemorySealer)
    pictures = providers.Singleton(MemoryPictures)
    storage = providers.Singleton(MemoryFileStorage, clock)
    checkpoint_shipper = providers.Singleton(MemoryShipper)
    checkpoint_signer = providers.Singleton(MemorySigner)
    tokens = providers.Singleton(PlainAccessTokens, auth_rules)
    wake_ups = providers.Singleton(MemoryWakeUps)
    uow = providers.Singleton(MemoryUnitOfWork, tables, sealer, wake_ups)
    account_reader = providers.Singleton(MemoryAccountReader, tables)
    activity_reader = providers.Singleton(MemoryActivityReader, tables)
    key_reader = providers.Singleton(MemoryKeyReader, tables)
    key_principal_reader = providers.Singleton(MemoryKeyPrincipalReader, tables)
    principal_reader = providers.Singleton(MemoryPrincipalReader, tables)
    device_reader = providers.Singleton(MemoryDeviceReader, tables)
    group_reader = providers.Singleton(MemoryGroupReader, tables)
    guess_reader = providers.Singleton(MemoryGuessReader, tables)
    job_reader = providers.Singleton(MemoryJobReader, tables)
    job_store = providers.Singleton(MemoryJobStore, tables)
    job_upkeep = providers.Singleton(MemoryJobUpkeep, tables, sealer, wake_ups)
    role_directory = providers.Singleton(MemoryRoleDirectory, tables)
    role_reader = providers.Singleton(MemoryRoleReader, tables)
    seal_reader = providers.Singleton(MemorySealReader, tables)
    session_reader = providers.Singleton(MemorySessionReader, tables)
    user_reader = providers.Singleton(MemoryUserReader, tables)
    invitation_reader = providers.Singleton(MemoryInvitationReader, tables)
    user_directory = providers.Singleton(MemoryUserDirectory, tables)
    export_reader = providers.Singleton(MemoryExportReader, tables)
    personal_data = providers.Singleton(MemoryPersonalData, tables)
    preference_reader = providers.Singleton(MemoryPreferenceReader, tables)
    # Placeholders until their adapters land: each is replaced by whoever writes it.
    own_limiter = providers.Singleton(ProcessLimiter, clock.provided.nanoseconds)
    shared_limiter = own_limiter
    probe = providers.Singleton(SteadyProbe)
    probes = providers.List(probe)
