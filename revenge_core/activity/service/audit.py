"""Use cases of proving that the audit log is whole (decisions A6, rulings R28)."""


class Audit:
    """Seals, checkpoints, and looking whether all is as it was written."""
