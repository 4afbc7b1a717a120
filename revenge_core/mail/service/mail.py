"""Sending mail: into the queue with a feature's own transaction, and out of it by a worker."""

from typing import Final

from revenge_core.activity.entities import Action, Outcome, Resource
from revenge_core.activity.ports import ActivityTx
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.background import CancelJob, DiscardJob, Enqueued, JobContext, JobsTx
from revenge_core.clock import Clock
from revenge_core.errors import RevengeError
from revenge_core.ids import Ids
from revenge_core.jobs.service import Jobs
from revenge_core.mail.entities import Email, MailRules, Message, SentTest
from revenge_core.mail.errors import MailInvalid, MailOff, MailRefused
from revenge_core.mail.jobs import SendEmail
from revenge_core.mail.policy import email_problems, message_id
from revenge_core.mail.ports import Mailer
from revenge_core.permissions import Permission
from revenge_core.secrets import Secret
from revenge_core.uow import UnitOfWork

TEST_SUBJECT: Final = "A test of the mail settings"
TEST_TEXT: Final = """\
Somebody who looks after {name} wanted to see whether mail from it arrives.

It does. There is nothing for you to do.
"""


class Mail:
    """Mail to people."""

    def __init__(
        self,
        uow: UnitOfWork[ActivityTx],
        mailer: Mailer,
        jobs: Jobs,
        activity: Activity,
        clock: Clock,
        ids: Ids,
        rules: MailRules,
    ) -> None:
        self._uow = uow
        self._mailer = mailer
        self._jobs = jobs
        self._activity = activity
        self._clock = clock
        self._ids = ids
        self._rules = rules

    @property
    def is_on(self) -> bool:
        """Whether messages go anywhere. Where not, a feature must not wait for what somebody does with one."""
        return self._rules.is_on

    async def enqueue(self, tx: JobsTx, email: Email) -> Enqueued:
        """Send `email` if, and only if, `tx` commits. It goes out soon afterwards, and is tried for two days.

        Raises:
            MailInvalid: an address, the subject or a text breaks a rule; all of it is named.
        """
        return await tx.jobs.enqueue(self._new_job(email))

    async def send(self, actor: Actor, email: Email) -> Enqueued:
        """The same from outside of a use case, in a transaction of its own.

        Raises:
            Unauthenticated, Forbidden: the actor may not enqueue jobs.
            MailInvalid: as for `enqueue`.
        """
        (enqueued,) = await self._jobs.enqueue(actor, self._new_job(email))
        return enqueued

    async def deliver(self, job: SendEmail, _ctx: JobContext) -> None:
        """Hand the message over. A worker that is killed after that does it again, under the same id.

        Raises:
            DiscardJob: it will never be taken, or could never be sent: a dead letter.
            CancelJob: what it says is no longer true.
            MailUnavailable: not now.
        """
        good_until = job.email.good_until
        if good_until is not None and good_until <= self._clock.now():
            raise CancelJob(f"what the message says was good until {good_until.isoformat(timespec='seconds')}")
        try:
            _check(job.email)  # once more: whoever wrote the row may have had other rules
            await self._mailer.send(self._message(job))
        except (MailInvalid, MailRefused) as problem:
            told = [f"{one.pointer} {one.detail}" for one in problem.problems] or [problem.detail]
            raise DiscardJob(f"{problem.code}: {'; '.join(told)}") from problem

    async def send_test(self, actor: Actor, to: str) -> SentTest:
        """Send a message at once, beside the queue, so that whoever sets up mail sees what the server says.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            MailOff: this server sends none.
            MailInvalid: `to` is no address.
            MailRefused, MailUnavailable: with the server's answer.
        """
        actor.require(Permission.MAIL_TEST)
        if not self._rules.is_on:
            raise MailOff
        text = TEST_TEXT.format(name=self._rules.sender.name or self._rules.sender.address)
        job = self._new_job(Email(to=to, subject=TEST_SUBJECT, text=Secret(text)))
        try:
            answer = await self._mailer.send(self._message(job))
        except RevengeError as problem:
            await self._audit(actor, job, Outcome.FAILURE, problem.code)
            raise
        await self._audit(actor, job, Outcome.SUCCESS, None)
        return SentTest(to=to, message_id=job.message_id, answer=answer)

    def _message(self, job: SendEmail) -> Message:
        return Message(id=job.message_id, date=job.date, sender=self._rules.sender, email=job.email)

    def _new_job(self, email: Email) -> SendEmail:
        _check(email)
        new_id = message_id(self._ids.new(), self._rules.sender.address)
        return SendEmail(message_id=new_id, date=self._clock.now(), email=email)

    async def _audit(self, actor: Actor, job: SendEmail, outcome: Outcome, reason: str | None) -> None:
        """By its id the message is found in the mail server's log; the address is nobody else's business."""
        async with self._uow.begin() as tx:
            await self._activity.write(
                tx,
                actor,
                Action.MAIL_TEST,
                resource=Resource(type="mail", key=job.message_id),
                outcome=outcome,
                reason=reason,
            )


def _check(email: Email) -> None:
    problems = tuple(email_problems(email))
    if problems:
        raise MailInvalid(problems=problems)
