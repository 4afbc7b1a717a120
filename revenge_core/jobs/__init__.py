"""The job queue: its rules, its workers' side, and its administration."""

from revenge_core.jobs.entities import JobDetail, JobFilter, JobSummary
from revenge_core.jobs.errors import JobLost, JobNotFound, JobRefused
from revenge_core.jobs.service import Handlers, Jobs

__all__ = ["Handlers", "JobDetail", "JobFilter", "JobLost", "JobNotFound", "JobRefused", "JobSummary", "Jobs"]
