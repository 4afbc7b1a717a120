"""Use cases of the audit log: writing and reading it, and proving that it is whole."""

from revenge_core.activity.service.activity import NOTHING_CHANGED, Activity
from revenge_core.activity.service.audit import Audit

__all__ = ["NOTHING_CHANGED", "Activity", "Audit"]
