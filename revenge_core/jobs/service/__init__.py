"""Jobs: those who run them, and those who look after them."""

from revenge_core.jobs.service.handlers import Handlers
from revenge_core.jobs.service.jobs import Jobs, require_done
from revenge_core.jobs.service.running import RunningJob

__all__ = ["Handlers", "Jobs", "RunningJob", "require_done"]
