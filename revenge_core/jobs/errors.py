"""What the job queue refuses."""

from revenge_core.errors import Conflict, Invalid, NotFound


class JobNotFound(NotFound):
    """There is no such job, or not any more: finished jobs are kept for some days only."""

    code = "job_not_found"
    title = "There is no such job (finished jobs are kept for some days only)"


class QueueNotFound(NotFound):
    """No queue has this name."""

    code = "queue_not_found"
    title = "There is no queue of this name"


class ScheduleNotFound(NotFound):
    """No schedule has this name."""

    code = "schedule_not_found"
    title = "There is no schedule of this name"


class JobRefused(Invalid):
    """A job cannot be enqueued as it is; every problem is named."""

    code = "job_invalid"
    title = "The job cannot be enqueued like this"


class JobFilterInvalid(Invalid):
    """A filter of jobs cannot be understood, or selects nothing in particular where it must."""

    code = "job_filter_invalid"
    title = "Jobs cannot be selected like this"


class JobStateConflict(Conflict):
    """The job's present state does not allow it."""

    code = "job_state_conflict"
    title = "The job is in a state that does not allow this"


class JobLost(Conflict):
    """A worker that holds a job no longer wants to finish it: what it did in its transaction is undone."""

    code = "job_lost"
    title = "The job was given to another worker, cancelled or finished meanwhile"


class JobKindUnknown(Invalid):
    """No handler is known for the kind: an older or newer program enqueued it."""

    code = "job_kind_unknown"
    title = "This program does not know jobs of this kind"


class JobPayloadInvalid(Invalid):
    """The arguments do not fit the kind."""

    code = "job_payload_invalid"
    title = "The arguments of the job cannot be read"
