"""The services, over whatever adapters they are given: the production ones and the doubles share this."""

from dependency_injector import containers, providers

from revenge_core.activity.service import Activity
from revenge_core.auth.entities import AuthRules
from revenge_core.auth.service import Auth, Passwords, SigningKeys
from revenge_core.health.service import Health
from revenge_core.jobs.service import Handlers, Jobs
from revenge_core.mail.entities import MailRules
from revenge_core.mail.service import Mail
from revenge_core.rbac.service import Rbac
from revenge_core.revenge import Revenge
from revenge_core.sessions.entities import SessionRules
from revenge_core.sessions.service import Sessions
from revenge_core.users.service import Users


class Services(containers.DeclarativeContainer):
    """One line per service. `adapters` is a sibling container with one provider per port."""

    adapters = providers.DependenciesContainer()
    auth_rules = providers.Dependency(instance_of=AuthRules)
    mail_rules = providers.Dependency(instance_of=MailRules)
    session_rules = providers.Dependency(instance_of=SessionRules)

    activity = providers.Singleton(Activity, adapters.uow, adapters.activity_reader, adapters.clock, adapters.ids)
    handlers = providers.Singleton(Handlers, adapters.sealer)
    health = providers.Singleton(Health, adapters.probes)
    jobs = providers.Singleton(Jobs, adapters.uow, adapters.job_reader, activity)
    mail = providers.Singleton(
        Mail, adapters.uow, adapters.mailer, jobs, activity, adapters.clock, adapters.ids, mail_rules
    )
    rbac = providers.Singleton(Rbac, adapters.role_reader)
    users = providers.Singleton(Users, adapters.uow, adapters.user_reader, activity, adapters.clock, adapters.ids)
    sessions = providers.Singleton(
        Sessions, adapters.uow, adapters.session_reader, activity, adapters.clock, adapters.ids, session_rules
    )
    passwords = providers.Singleton(Passwords, adapters.hasher, auth_rules)
    signing_keys = providers.Singleton(
        SigningKeys, adapters.uow, adapters.tokens, activity, adapters.clock, adapters.ids, auth_rules
    )
    auth = providers.Singleton(
        Auth,
        uow=adapters.uow,
        accounts=adapters.account_reader,
        principals=adapters.principal_reader,
        passwords=passwords,
        tokens=adapters.tokens,
        keys=signing_keys,
        activity=activity,
        users=users,
        sessions=sessions,
        rbac=rbac,
        clock=adapters.clock,
        ids=adapters.ids,
        rules=auth_rules,
    )
    revenge = providers.Singleton(
        Revenge,
        activity=activity,
        auth=auth,
        health=health,
        jobs=jobs,
        mail=mail,
        rbac=rbac,
        sessions=sessions,
        users=users,
    )
