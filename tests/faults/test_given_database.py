"""`revenge serve --database-url`: a PostgreSQL of the user's own instead of one in the data directory."""

from http import HTTPStatus
from pathlib import Path

from revenge_adapters.postgres.recycled import RecycledDatabase
from tests.faults.served import Served


def test_one_address_is_enough_to_serve_from_a_given_database(
    revenge_postgres_fresh: RecycledDatabase, tmp_path: Path
) -> None:
    with Served(tmp_path / "data", "--database-url", revenge_postgres_fresh.owner_url) as server:
        token = server.bootstrap_token()
        body = {"token": token, "username": "ada", "email": "ada@example.org", "password": "a quiet evening"}
        assert server.client.post("/api/v1/auth/bootstrap", json=body).status_code == HTTPStatus.CREATED
        assert not (server.data_dir / "postgres").exists()
    with Served(tmp_path / "data", "--database-url", revenge_postgres_fresh.owner_url) as server:
        login = {"username": "ada", "password": "a quiet evening"}
        answer = server.client.post("/api/v1/auth/login", json=login)
        assert answer.status_code == HTTPStatus.OK
        assert server.me(answer.json()["access_token"]).json()["is_admin"] is True
        assert "bootstrap token:" not in server.output
