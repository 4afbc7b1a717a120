"""The audit log."""

from revenge_core.activity.entities import Action, Entry, EntryFilter, FieldChange, Outcome, Resource
from revenge_core.activity.service import Activity, Audit, AuditReading, Denials

__all__ = [
    "Action",
    "Activity",
    "Audit",
    "AuditReading",
    "Denials",
    "Entry",
    "EntryFilter",
    "FieldChange",
    "Outcome",
    "Resource",
]
