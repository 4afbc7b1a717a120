"""The services, over whatever adapters they are given: the production ones and the doubles share this."""

from dependency_injector import containers, providers

from revenge_adapters.wiring.rules import Rules
from revenge_core.accounts.service import Accounts, Administration, Changing, Exports, Invitations, Leaving
from revenge_core.activity.service import Activity, Audit, AuditReading, Denials
from revenge_core.apikeys.service import ApiKeys, KeyExplaining, KeyUpkeep, KeyUsage, PresentedKeys
from revenge_core.auth.service import (
    Auth,
    Guessing,
    Issuer,
    News,
    Passwords,
    Proofs,
    Recovery,
    SigningKeys,
    Tries,
)
from revenge_core.health.service import Health
from revenge_core.idempotency.service import Idempotency
from revenge_core.jobs.service import Handlers, Jobs
from revenge_core.limits.service import Limits
from revenge_core.mail.service import Mail, Notices
from revenge_core.rbac.service import Explaining, Grants, Groups, Powers, Rbac, Roles
from revenge_core.revenge import Revenge
from revenge_core.sessions.service import Devices, Sessions
from revenge_core.users.service import Addresses, Avatars, UserPreferences, Users


class Services(containers.DeclarativeContainer):
    """One line per service. `adapters` is a sibling container with one provider per port."""

    adapters = providers.DependenciesContainer()
    rules = providers.Dependency(instance_of=Rules)

    activity = providers.Singleton(Activity, adapters.uow, adapters.activity_reader, adapters.clock, adapters.ids)
    audit_reading = providers.Singleton(
        AuditReading, adapters.uow, adapters.activity_reader, adapters.checkpoint_signer, activity, adapters.clock
    )
    denials = providers.Singleton(Denials, adapters.uow, activity, adapters.clock)
    audit = providers.Singleton(
        Audit,
        uow=adapters.uow,
        reader=adapters.seal_reader,
        signer=adapters.checkpoint_signer,
        shipper=adapters.checkpoint_shipper,
        activity=activity,
        clock=adapters.clock,
        rules=rules.provided.audit,
    )
    handlers = providers.Singleton(Handlers, adapters.sealer)
    health = providers.Singleton(Health, adapters.probes)
    idempotency = providers.Singleton(Idempotency, adapters.uow, adapters.clock, adapters.fingerprints)
    limits = providers.Singleton(Limits, adapters.own_limiter, adapters.shared_limiter, rules.provided.limits)
    jobs = providers.Singleton(Jobs, adapters.uow, adapters.job_reader, activity)
    mail = providers.Singleton(
        Mail, adapters.uow, adapters.mailer, jobs, activity, adapters.clock, adapters.ids, rules.provided.mail
    )
    rbac = providers.Singleton(Rbac, adapters.role_reader, adapters.role_directory)
    grants = providers.Singleton(Grants, adapters.uow, adapters.role_directory, activity, adapters.clock)
    roles = providers.Singleton(Roles, adapters.uow, activity, adapters.clock)
    powers = providers.Singleton(Powers, rbac, adapters.clock)
    explaining = providers.Singleton(
        Explaining, adapters.role_directory, adapters.role_reader, adapters.group_reader, adapters.user_directory
    )
    groups = providers.Singleton(Groups, adapters.uow, adapters.group_reader, activity, adapters.clock, adapters.ids)
    notices = providers.Singleton(Notices, mail, adapters.notice_templates, rules.provided.mail)
    addresses = providers.Singleton(
        Addresses, adapters.uow, notices, activity, adapters.clock, rules.provided.addresses
    )
    avatars = providers.Singleton(
        Avatars,
        adapters.uow,
        adapters.storage,
        adapters.pictures,
        activity,
        adapters.clock,
        adapters.ids,
        rules.provided.avatars,
    )
    preferences = providers.Singleton(UserPreferences, adapters.uow, adapters.preference_reader, activity)
    users = providers.Singleton(
        Users,
        uow=adapters.uow,
        reader=adapters.user_reader,
        directory=adapters.user_directory,
        preferences=adapters.preference_reader,
        addresses=addresses,
        activity=activity,
        clock=adapters.clock,
        ids=adapters.ids,
    )
    devices = providers.Singleton(Devices, adapters.uow, adapters.device_reader, activity, adapters.clock, adapters.ids)
    sessions = providers.Singleton(
        Sessions,
        adapters.uow,
        adapters.session_reader,
        devices,
        activity,
        adapters.clock,
        adapters.ids,
        rules.provided.sessions,
    )
    passwords = providers.Singleton(Passwords, adapters.hasher, rules.provided.auth)
    signing_keys = providers.Singleton(
        SigningKeys, adapters.uow, adapters.tokens, activity, adapters.clock, adapters.ids, rules.provided.auth
    )
    guessing = providers.Singleton(
        Guessing,
        adapters.uow,
        adapters.guess_reader,
        adapters.fingerprints,
        activity,
        adapters.clock,
        rules.provided.auth,
    )
    news = providers.Singleton(News, notices, adapters.clock)
    issuer = providers.Singleton(Issuer, adapters.tokens, adapters.ids, rules.provided.auth)
    tries = providers.Singleton(Tries, adapters.uow, passwords, guessing, activity)
    proofs = providers.Singleton(
        Proofs,
        uow=adapters.uow,
        accounts=adapters.account_reader,
        passwords=passwords,
        tries=tries,
        issuer=issuer,
        news=news,
        activity=activity,
        sessions=sessions,
        clock=adapters.clock,
        rules=rules.provided.auth,
    )
    auth = providers.Singleton(
        Auth,
        uow=adapters.uow,
        accounts=adapters.account_reader,
        principals=adapters.principal_reader,
        passwords=passwords,
        tries=tries,
        proofs=proofs,
        issuer=issuer,
        keys=signing_keys,
        guessing=guessing,
        news=news,
        activity=activity,
        users=users,
        addresses=addresses,
        devices=devices,
        sessions=sessions,
        rbac=rbac,
        clock=adapters.clock,
        rules=rules.provided.auth,
    )
    recovery = providers.Singleton(
        Recovery,
        uow=adapters.uow,
        passwords=passwords,
        notices=notices,
        activity=activity,
        sessions=sessions,
        clock=adapters.clock,
        rules=rules.provided.auth,
    )
    key_usage = providers.Singleton(KeyUsage, adapters.uow, adapters.clock)
    presented_keys = providers.Singleton(
        PresentedKeys, adapters.uow, adapters.key_principal_reader, key_usage, rbac, activity, adapters.clock
    )
    key_upkeep = providers.Singleton(KeyUpkeep, adapters.uow, notices, adapters.clock, rules.provided.api_keys)
    api_keys = providers.Singleton(
        ApiKeys,
        uow=adapters.uow,
        reader=adapters.key_reader,
        presented=presented_keys,
        usage=key_usage,
        powers=powers,
        upkeep=key_upkeep,
        activity=activity,
        clock=adapters.clock,
        ids=adapters.ids,
        rules=rules.provided.api_keys,
    )
    key_explaining = providers.Singleton(KeyExplaining, explaining, adapters.key_reader, adapters.clock)
    invitations = providers.Singleton(
        Invitations,
        uow=adapters.uow,
        reader=adapters.invitation_reader,
        directory=adapters.user_directory,
        activity=activity,
        notices=notices,
        powers=powers,
        clock=adapters.clock,
        ids=adapters.ids,
        rules=rules.provided.accounts,
    )
    leaving = providers.Singleton(
        Leaving,
        uow=adapters.uow,
        jobs=adapters.job_reader,
        sessions=sessions,
        api_keys=api_keys,
        notices=notices,
        activity=activity,
        clock=adapters.clock,
        rules=rules.provided.accounts,
    )
    changing = providers.Singleton(Changing, activity, addresses, adapters.clock)
    exports = providers.Singleton(
        Exports,
        uow=adapters.uow,
        reader=adapters.export_reader,
        data=adapters.personal_data,
        storage=adapters.storage,
        activity=activity,
        notices=notices,
        clock=adapters.clock,
        ids=adapters.ids,
        rules=rules.provided.accounts,
    )
    accounts = providers.Singleton(
        Accounts,
        uow=adapters.uow,
        passwords=passwords,
        activity=activity,
        users=users,
        addresses=addresses,
        invitations=invitations,
        leaving=leaving,
        exports=exports,
        storage=adapters.storage,
        clock=adapters.clock,
        rules=rules.provided.accounts,
    )
    administration = providers.Singleton(
        Administration,
        uow=adapters.uow,
        directory=adapters.user_directory,
        activity=activity,
        users=users,
        addresses=addresses,
        passwords=passwords,
        recovery=recovery,
        sessions=sessions,
        powers=powers,
        changing=changing,
        leaving=leaving,
        clock=adapters.clock,
    )
    revenge = providers.Singleton(
        Revenge,
        accounts=accounts,
        activity=activity,
        addresses=addresses,
        administration=administration,
        api_keys=api_keys,
        audit=audit,
        audit_reading=audit_reading,
        auth=auth,
        avatars=avatars,
        denials=denials,
        devices=devices,
        explaining=explaining,
        exports=exports,
        grants=grants,
        groups=groups,
        guessing=guessing,
        health=health,
        idempotency=idempotency,
        invitations=invitations,
        jobs=jobs,
        key_explaining=key_explaining,
        limits=limits,
        mail=mail,
        preferences=preferences,
        rbac=rbac,
        recovery=recovery,
        roles=roles,
        sessions=sessions,
        users=users,
    )
