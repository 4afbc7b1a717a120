import pytest

from revenge_adapters.memory.pictures import MemoryPictures
from revenge_adapters.pictures_pillow import PillowPictures
from revenge_core.testing.contracts.avatars import AvatarStoreContract, PicturesContract, Studio
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryAvatars(OnMemory, AvatarStoreContract):
    pass


class TestPostgresAvatars(OnPostgres, AvatarStoreContract):
    pass


class TestMemoryPictures(PicturesContract):
    @pytest.fixture
    def studio(self) -> Studio:
        return Studio(pictures=MemoryPictures(), more_than_wait=11)


class TestPillowPictures(PicturesContract):
    @pytest.fixture
    def studio(self) -> Studio:
        return Studio(pictures=PillowPictures(), more_than_wait=11)
