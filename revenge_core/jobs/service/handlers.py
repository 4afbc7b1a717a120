"""Which kinds of jobs there are, and who runs them."""

from collections.abc import Iterable, Mapping
from typing import Any

from revenge_core.background import Handler, J, Job, JobContext, JobSpec, Retry, Schedule
from revenge_core.jobs.entities import Claimed
from revenge_core.jobs.errors import JobKindUnknown
from revenge_core.jobs.policy import decoded, schedule_problems, spec_problems
from revenge_core.jobs.service.running import RunningJob
from revenge_core.secrets import Sealer, Secret

DEFAULT_RETRY = Retry()


class Handlers:
    """The kinds that this program runs, each with its handler, and the schedules that it declares."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._kinds: dict[str, tuple[type[Job], Handler[Any]]] = {}
        self._schedules: list[Schedule] = []

    def add(self, kind: type[J], handler: Handler[J]) -> None:
        """Run jobs of this kind with `handler`.

        Raises:
            ValueError: the kind has a handler already, or its spec breaks a rule.
        """
        name = kind.spec.kind
        if problems := spec_problems(kind.spec):
            raise ValueError("; ".join(problems))
        if name in self._kinds:
            message = f"jobs of kind {name} have a handler already: {self._kinds[name][0].__qualname__}"
            raise ValueError(message)
        self._kinds[name] = (kind, handler)

    def add_schedules(self, schedules: Iterable[Schedule]) -> None:
        """Enqueue these from time to time.

        Raises:
            ValueError: a name is taken, a period or an offset is impossible, or nobody runs the kind.
        """
        both = [*self._schedules, *schedules]
        problems = schedule_problems(both)
        problems += [f"nobody runs the jobs of {one.name}" for one in both if one.job.spec.kind not in self._kinds]
        if problems:
            raise ValueError("; ".join(problems))
        self._schedules = both

    def pure(self) -> "Handlers":
        """Those of kinds that may run where there is no database. They declare no schedules."""
        pure = Handlers(self._sealer)
        pure._kinds = {name: both for name, both in self._kinds.items() if both[0].spec.pure}
        return pure

    @property
    def kinds(self) -> Mapping[str, type[Job]]:
        """Payload types by kind."""
        return {name: kind for name, (kind, _) in self._kinds.items()}

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """What was declared."""
        return tuple(self._schedules)

    def spec(self, kind: str) -> JobSpec | None:
        """What holds for the kind; None if nobody here runs it."""
        return self._kinds[kind][0].spec if kind in self._kinds else None

    def retry_of(self, kind: str) -> Retry:
        """When jobs of this kind are tried again, known or not."""
        spec = self.spec(kind)
        return spec.retry if spec else DEFAULT_RETRY

    async def run(self, claimed: Claimed, ctx: JobContext) -> None:
        """Do the job. Whatever this raises is for `policy.finish_of`.

        Raises:
            JobKindUnknown: nobody here runs it.
            JobPayloadInvalid: its arguments do not fit.
        """
        if claimed.kind not in self._kinds:
            raise JobKindUnknown(f"No handler is known for jobs of kind {claimed.kind!r} in this version")
        kind, handler = self._kinds[claimed.kind]
        secrets = ctx.secrets if isinstance(ctx, RunningJob) else []

        def unseal(sealed: str) -> Secret:
            secrets.append(self._sealer.unseal(sealed, f"job {claimed.kind}"))
            return secrets[-1]

        await handler(decoded(kind, claimed.args, unseal), ctx)
