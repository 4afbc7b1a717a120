"""What Dragonfly cannot do right now."""

from revenge_core.errors import Unavailable


class CacheUnavailable(Unavailable):
    """Dragonfly is away, refuses the password, or is too slow. Nothing is lost with it: the database has it all."""

    code = "cache_unavailable"
    title = "The cache cannot be reached right now"
