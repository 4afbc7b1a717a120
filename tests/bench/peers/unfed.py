"""`revenge` on a feed that is never fresh, so that it remembers nothing and asks PostgreSQL for everything."""

from unittest.mock import patch

from revenge_adapters.postgres.feed import ChangeFollower
from revenge_cli.main import main


def never(_follower: ChangeFollower, _now: float) -> bool:
    """The answer to whether the feed is fresh."""
    return False


if __name__ == "__main__":
    with patch.object(ChangeFollower, "is_fresh", never):
        main()
