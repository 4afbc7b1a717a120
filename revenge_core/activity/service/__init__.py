"""Use cases of the audit log: writing and reading it, telling of refusals, and proving that it is whole."""

from revenge_core.activity.service.activity import NOTHING_CHANGED, Activity
from revenge_core.activity.service.audit import Audit
from revenge_core.activity.service.denials import Denials
from revenge_core.activity.service.exporting import AuditExport
from revenge_core.activity.service.reading import AuditReading

__all__ = ["NOTHING_CHANGED", "Activity", "Audit", "AuditExport", "AuditReading", "Denials"]
