"""What getting, administering and leaving accounts refuses."""

from revenge_core.errors import Conflict, Forbidden, Invalid, NotFound


class AccountInvalid(Invalid):
    """The data for an account breaks rules; `problems` names each."""

    code = "account_invalid"
    title = "The account cannot be made or changed like this; see errors for each field"


class RegistrationClosed(Forbidden):
    """Nobody may make an account for themselves here, or only with an invitation (decisions I11)."""

    code = "registration_closed"
    title = "New accounts need an invitation, or are made by an administrator"


class InvitationInvalid(Invalid):
    """An invitation cannot be made like this; `problems` names each."""

    code = "invitation_invalid"
    title = "The invitation cannot be made like this; see errors for each field"


class InvitationNotFound(NotFound):
    """There is no such invitation."""

    code = "invitation_not_found"
    title = "There is no such invitation"


class OwnAccount(Conflict):
    """Administrators do not lock themselves out by mistake: their own account is left to `/users/me`."""

    code = "own_account"
    title = "This is your own account; another administrator can do this, or you under /users/me"


class AccountNotDeleted(Conflict):
    """Only what was deleted can be restored."""

    code = "account_not_deleted"
    title = "This account is not deleted"


class ExportNotFound(NotFound):
    """Nothing was exported, or it is not ready, or its file was removed since."""

    code = "export_not_found"
    title = "There is no export to download; ask for one, and wait until it is ready"
