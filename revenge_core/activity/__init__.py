"""The audit log."""

from revenge_core.activity.entities import Action, Entry, FieldChange, Outcome, Resource
from revenge_core.activity.service import Activity

__all__ = ["Action", "Activity", "Entry", "FieldChange", "Outcome", "Resource"]
