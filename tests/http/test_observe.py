"""What whoever counts requests is told."""

from tests.http.support import MEMBER, Connect


async def test_each_request_is_told_of_by_the_template_of_its_path_so_that_labels_stay_few(connect: Connect) -> None:
    seen: list[tuple[str, str, int]] = []

    def observe(method: str, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        seen.append((method, route, status))

    async with connect(observe=observe) as client:
        await client.get("/healthz")
        await client.post("/api/v1/auth/register", json=MEMBER)
        await client.delete("/api/v1/sessions/0198a6c4-0000-7000-8000-000000000001")
        await client.get("/no/such/path/of/mine")
        await client.get("/api/v1//users/me")
    assert seen == [
        ("GET", "/healthz", 200),
        ("POST", "/api/v1/auth/register", 201),
        ("DELETE", "/api/v1/sessions/{sessionId}", 401),
        ("GET", "", 404),
        ("GET", "", 404),
    ]
