"""What account management refuses."""

from revenge_core.errors import Conflict, Invalid


class UsernameTaken(Conflict):
    """Another account has this user name, perhaps in other letters (decisions I9)."""

    code = "username_taken"
    title = "This user name is taken; choose another one"


class EmailTaken(Conflict):
    """Another account has this e-mail address."""

    code = "email_taken"
    title = "This e-mail address belongs to another account; sign in with that one or use another address"


class EmailChangeUnavailable(Conflict):
    """Changing the address needs verification by mail, which this server cannot send yet (rulings R23)."""

    code = "email_change_unavailable"
    title = "The e-mail address cannot be changed yet; leave it out or send the present one"


class UserInvalid(Invalid):
    """Fields of an account break a rule; `problems` names each."""

    code = "user_invalid"
    title = "The account's data is not valid; see errors for each field"
