"""One behaviour suite per port: subclass it, give it a fixture, and pytest proves your adapter.

An adapter of a single port takes one small fixture, named in the suite's docstring:

    class TestOurHasher(PasswordHasherContract):
        @pytest.fixture
        def hasher(self) -> PasswordHasher:
            return OurHasher(...)

Stores and readers only mean something together, so their suites take a fixture `world`, a `World` that is new and empty
for every test. To prove one adapter of your own, put it into a world of the shipped doubles:

    class TestOurUserReader(UserReaderContract):
        @pytest.fixture
        def world(self) -> World:
            tables = MemoryTables()
            return World(uow=MemoryUnitOfWork(tables), users=OurUserReader(tables), ...)

Suites are asynchronous: they run under anyio's pytest plugin, on asyncio. Their names end in `Contract`, so that pytest
collects your subclass and not the suite.
"""
