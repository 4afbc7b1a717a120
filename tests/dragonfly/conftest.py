import pytest

from tests.dragonfly.outpost import Outpost
from tests.redis_server import RedisServer
from tests.taskiq import conftest as workers
from tests.taskiq.yard import Yard

yard = workers.yard


@pytest.fixture
def outpost(yard: Yard, redis_server: RedisServer) -> Outpost:
    """A database of the test's own, a server, and nobody at work yet."""
    return Outpost(yard, redis_server)
