"""What goes wrong on the way to a server elsewhere; what the server itself refuses keeps its own code."""

from revenge_core.errors import RevengeError, Unavailable


class ServerUnreachable(Unavailable):
    """No answer came: the name, the network, the certificate or the server is at fault, and the message says which."""

    code = "server_unreachable"
    title = "The server cannot be reached"


class AnswerUnusable(RevengeError):
    """Something answered, but not as Revenge of this release does: a proxy, a redirect, or another version."""

    code = "answer_unusable"
    title = "What answers there is not Revenge, or not a release that fits this command"
