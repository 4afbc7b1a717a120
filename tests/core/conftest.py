"""Core is tested through its services, over the doubles: a test is a story in a world of its own."""

import pytest

from revenge_adapters import Sandbox, sandbox


@pytest.fixture
def box() -> Sandbox:
    return sandbox()
