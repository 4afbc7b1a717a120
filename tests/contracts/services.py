"""Services over the adapters of a world, put together by hand: no container, no cache."""

from revenge_adapters.memory.mail import MemoryMailer
from revenge_adapters.memory.passwords import QuickHasher
from revenge_adapters.memory.tokens import PlainAccessTokens
from revenge_adapters.system import Uuid7Ids
from revenge_core.activity.service import Activity
from revenge_core.auth.entities import AuthRules
from revenge_core.auth.service import Auth, Passwords, SigningKeys
from revenge_core.clock import Clock
from revenge_core.health.service import Health
from revenge_core.jobs.service import Jobs
from revenge_core.mail.entities import MailRules
from revenge_core.mail.service import Mail
from revenge_core.rbac.service import Rbac
from revenge_core.revenge import Revenge
from revenge_core.sessions.entities import SessionRules
from revenge_core.sessions.service import Sessions
from revenge_core.testing.contracts.world import World
from revenge_core.users.service import Users


def services_over(world: World, clock: Clock, session_rules: SessionRules | None = None) -> Revenge:
    """What one server does over the world's store. Load its signing keys before anybody signs in."""
    rules, ids = AuthRules(), Uuid7Ids()
    tokens = PlainAccessTokens(rules)
    activity = Activity(world.uow, world.activity, clock, ids)
    users = Users(world.uow, world.users, activity, clock, ids)
    sessions = Sessions(world.uow, world.sessions, activity, clock, ids, session_rules or SessionRules())
    rbac = Rbac(world.roles)
    auth = Auth(
        uow=world.uow,
        accounts=world.accounts,
        principals=world.principals,
        passwords=Passwords(QuickHasher(), rules),
        tokens=tokens,
        keys=SigningKeys(world.uow, tokens, activity, clock, ids, rules),
        activity=activity,
        users=users,
        sessions=sessions,
        rbac=rbac,
        clock=clock,
        ids=ids,
        rules=rules,
    )
    jobs = Jobs(world.uow, world.job_reader, activity)
    mail = Mail(world.uow, MemoryMailer(), jobs, activity, clock, ids, MailRules())
    return Revenge(
        activity=activity, auth=auth, health=Health([]), jobs=jobs, mail=mail, rbac=rbac, sessions=sessions, users=users
    )
