"""The client of a server elsewhere: where the token goes, and what becomes of every kind of answer."""

import datetime as dt
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cli.conftest import Rehearsal, Run
from tests.cli.elsewhere import Answer, Elsewhere, elsewhere, problem

TOKEN = "eyJ.a-token.x"
ID = "0192f0c1-0000-7000-8000-000000000001"
ADA = {
    "id": ID,
    "username": "ada",
    "email": "ada@example.org",
    "locale": "en-US",
    "timezone": "UTC",
    "qar_enabled": False,
    "is_active": True,
    "is_admin": False,
    "email_verified": True,
    "roles": ["user"],
    "created_at": "2026-03-14T15:09:26.535897Z",
    "new_in_a_later_release": 1,
}


@pytest.fixture
def there() -> Iterator[Elsewhere]:
    with elsewhere() as server:
        yield server


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "token").chmod(0o600)
    return str(tmp_path / "token")


# Who it goes to


def test_a_command_is_done_by_the_server_there_and_nothing_here_is_opened(
    run: Run, there: Elsewhere, token_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rehearsal, "open_revenge", None)
    there.says(Answer(body=ADA))
    done = run("users", "show", ID, "--url", there.url + "/media/", "--token-file", token_file, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout)["created_at"] == "2026-03-14T15:09:26.535897Z"
    assert "new_in_a_later_release" not in done.stdout
    (asked,) = there.asked
    assert (asked.method, asked.path) == ("GET", f"/media/api/v1/admin/users/{ID}")
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["User-Agent"].startswith("revenge/")


@pytest.mark.parametrize(
    "url",
    [
        "media.example.org",
        "ftp://media.example.org",
        "https://",
        "https://me:hunter22@media.example.org",
        "https://media.example.org?x=1",
        "https://media.example.org#x",
        "https://media.example.org:99999",
        "https://[::1",
        "https://media.example.org/a b",
        "https://media.example.org/\r\nx",
    ],
)
def test_what_is_no_url_of_a_server_is_a_usage_error(run: Run, url: str, token_file: str) -> None:
    done = run("users", "list", "--url", url, "--token-file", token_file)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "hunter22" not in done.stderr


def test_over_http_a_token_goes_to_this_machine_only(run: Run, token_file: str) -> None:
    done = run("users", "list", "--url", "http://192.0.2.1", "--token-file", token_file)
    assert done.exit_code == 2
    assert "--allow-http" in done.stderr
    assert "ssh -L" in done.stderr


def test_flags_of_this_machine_and_of_one_elsewhere_exclude_each_other(run: Run, token_file: str) -> None:
    both = run("users", "list", "--url", "https://media.example.org", "--data-dir", "/x", "--token-file", token_file)
    assert both.exit_code == 2
    assert "--data-dir" in both.stderr
    alone = run("users", "list", "--token-file", token_file)
    assert alone.exit_code == 2
    assert "--url" in alone.stderr


def test_a_link_for_a_reset_is_made_on_the_machine_itself_only(run: Run) -> None:
    assert run("users", "reset-link", "ada", "--url", "https://media.example.org").exit_code == 2


# The token


def test_a_token_comes_from_a_file_the_environment_or_standard_input(
    run: Run, there: Elsewhere, token_file: str
) -> None:
    there.says(Answer(body=ADA))
    show = ("users", "show", ID, "--url", there.url)
    assert run(*show, env={"REVENGE_TOKEN_FILE": token_file}).exit_code == 0
    assert run(*show, env={"REVENGE_TOKEN": "of-environment"}).exit_code == 0
    assert run(*show, "--token-file", "-", typed="of-input\n").exit_code == 0
    assert run(*show, "--token-file", token_file, env={"REVENGE_TOKEN": "of-environment"}).exit_code == 0
    sent = [asked.headers["Authorization"].removeprefix("Bearer ") for asked in there.asked]
    assert sent == [TOKEN, "of-environment", "of-input", TOKEN]


@pytest.mark.usefixtures("terminal")
def test_at_a_terminal_the_token_is_asked_for_and_not_shown(run: Run, there: Elsewhere) -> None:
    there.says(Answer(body=ADA))
    done = run("users", "show", ID, "--url", there.url, typed=f"{TOKEN}\n")
    assert done.exit_code == 0
    assert "Access token for http://localhost" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert run("users", "show", ID, "--url", there.url, "--no-input", typed=f"{TOKEN}\n").exit_code == 2


def test_without_a_token_somebody_who_cannot_be_asked_hears_where_it_may_come_from(run: Run, there: Elsewhere) -> None:
    done = run("users", "show", ID, "--url", there.url)
    assert done.exit_code == 2
    assert "--token-file" in done.stderr
    assert there.asked == []


@pytest.mark.parametrize("content", ["", "two words", "hunter22\nX-Evil: 1", "hunter22é", "h" * 9000])
def test_what_is_no_token_is_never_sent_nor_shown(run: Run, there: Elsewhere, content: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(content)
    done = run("users", "show", ID, "--url", there.url, "--token-file", str(tmp_path / "token"))
    assert (done.exit_code, done.stdout, there.asked) == (2, "", [])
    assert "hunter22" not in done.stderr


@pytest.mark.parametrize("name", ["nothing-there", "."])
def test_a_token_file_that_cannot_be_read_is_named(run: Run, there: Elsewhere, tmp_path: Path, name: str) -> None:
    done = run("users", "show", ID, "--url", there.url, "--token-file", str(tmp_path / name))
    assert done.exit_code == 2
    assert str(tmp_path) in done.stderr


def test_a_token_file_that_others_can_read_is_used_and_warned_about(
    run: Run, there: Elsewhere, token_file: str
) -> None:
    there.says(Answer(body=ADA))
    Path(token_file).chmod(0o640)
    done = run("users", "show", ID, "--url", there.url, "--token-file", token_file)
    assert done.exit_code == 0
    assert f"others can read the token file {token_file}" in done.stderr


def test_the_token_of_the_environment_is_no_setting_to_be_warned_about(run: Run, doors: Rehearsal) -> None:
    doors.environ |= {"REVENGE_TOKEN": TOKEN, "REVENGE_TOKEN_FILE": "/x"}
    assert run("config", "validate").stderr.count("\n") == 1


# Answers


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, "account_invalid", 2),
        (401, "session_ended", 5),
        (403, "role_too_powerful", 5),
        (404, "user_not_found", 3),
        (409, "last_admin", 4),
        (412, "version_mismatch", 4),
        (418, "from_a_later_release", 1),
        (429, "rate_limited", 69),
        (500, "internal_error", 1),
        (503, "database_unavailable", 69),
    ],
)
def test_what_the_server_refuses_keeps_its_code_and_exits_as_it_does_in_process(
    run: Run, there: Elsewhere, token_file: str, status: int, error: str, code: int
) -> None:
    fields = [{"pointer": "/email", "detail": "must be an address"}]
    there.says(problem(status, error, "No, since \x1b[2J", errors=fields))
    done = run("users", "show", ID, "--url", there.url, "--token-file", token_file, "--json")
    assert (done.exit_code, done.stdout) == (code, "")
    told = json.loads(done.stderr)
    assert (told["error"], told["errors"]) == (error, fields)
    assert told["message"].startswith("No, since")
    as_text = run("users", "show", ID, "--url", there.url, "--token-file", token_file)
    assert "email: must be an address" in as_text.stderr
    assert "\x1b" not in as_text.stderr


def test_a_dead_token_says_how_to_get_another(run: Run, there: Elsewhere, token_file: str) -> None:
    there.says(problem(401, "access_token_invalid", "This access token has expired"))
    done = run("users", "show", ID, "--url", there.url, "--token-file", token_file)
    assert f"POST {there.url}/api/v1/auth/login" in done.stderr
    assert TOKEN not in done.stderr


def test_too_many_tries_say_when_the_next_one_counts(run: Run, there: Elsewhere, token_file: str) -> None:
    for after, told in (("30", "Try again in 30 s."), ("9" * 5000, "Error"), ("Mon, 1 Jan", "Error")):
        there.says(Answer(429, problem(429, "too_many_attempts").body, {"Retry-After": after}))
        done = run("users", "show", ID, "--url", there.url, "--token-file", token_file)
        assert done.exit_code == 69
        assert told in done.stderr
        assert len(done.stderr) < 100


def test_bytes_that_are_no_text_are_a_usage_error(run: Run, there: Elsewhere, token_file: str) -> None:
    for line in (("show", "\udcff"), ("edit", ID, "--display-name", "\udcff"), ("edit", ID, "--role", "\udcff")):
        for more in ((), ("--url", there.url, "--token-file", token_file)):
            done = run("users", *line, *more)
            assert (done.exit_code, done.stdout) == (2, "")
    assert there.asked == []


def test_a_redirect_is_not_followed(run: Run, there: Elsewhere, token_file: str) -> None:
    there.says(Answer(302, headers={"Location": "https://evil.example/"}))
    done = run("users", "show", ID, "--url", there.url, "--token-file", token_file)
    assert (done.exit_code, done.stdout, len(there.asked)) == (1, "", 1)
    assert "https://evil.example/" in done.stderr


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(200, b"<html>A router</html>"), 1),
        (Answer(200, {"hello": "world"}), 1),
        (Answer(200, b"\xff\xfe"), 1),
        (Answer(200, b'{"x":' + b"[" * 200_000), 1),
        (Answer(200, b"0" * (16 * 1024 * 1024 + 1)), 1),
        (Answer(404, b"<html>Nothing here</html>"), 1),
        (Answer(502, b"<html>Bad gateway</html>"), 69),
    ],
)
def test_what_is_not_revenge_is_told_and_not_shown(
    run: Run, there: Elsewhere, token_file: str, answer: Answer, code: int
) -> None:
    there.says(answer)
    done = run("users", "show", ID, "--url", there.url, "--token-file", token_file)
    assert (done.exit_code, done.stdout) == (code, "")
    assert there.url in done.stderr
    assert len(done.stderr) < 300


def test_a_server_that_is_away_is_a_dependency_that_is_down(run: Run, token_file: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = run("users", "list", "--url", url, "--token-file", token_file, "--json")
    assert done.exit_code == 69
    assert json.loads(done.stderr)["error"] == "server_unreachable"


@pytest.mark.parametrize(
    ("command", "is_in_doubt"), [(("users", "show", ID), False), (("sessions", "revoke", ID), True)]
)
def test_a_server_that_says_nothing_is_not_waited_for_and_what_it_did_is_not_known(
    run: Run, token_file: str, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], is_in_doubt: bool
) -> None:
    monkeypatch.setattr("revenge_cli.remote.SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = run(*command, "--url", url, "--token-file", token_file)
    assert done.exit_code == 69
    assert ("look before you try again" in done.stderr) == is_in_doubt


def test_names_travel_in_paths_as_they_are(run: Run, there: Elsewhere, token_file: str) -> None:
    there.says(Answer(204))
    assert run("limits", "clear", "2001:db8::/64", "--url", there.url, "--token-file", token_file).exit_code == 0
    assert there.asked[0].path == "/api/v1/admin/limits/2001%3Adb8%3A%3A%2F64"


def test_an_account_is_found_by_its_exact_name_among_those_that_hold_it(
    run: Run, there: Elsewhere, token_file: str
) -> None:
    others = [ADA | {"username": f"ada{n}", "email": f"ada{n}@example.org"} for n in range(200)]
    there.says(
        Answer(body={"users": others, "total": 201}), Answer(body={"users": [ADA | {"username": "Ada"}], "total": 201})
    )
    done = run("users", "show", "ADA", "--url", there.url, "--token-file", token_file, "--json")
    assert json.loads(done.stdout)["username"] == "Ada"
    assert [asked.path for asked in there.asked] == [
        "/api/v1/admin/users?query=ada&limit=200&offset=0",
        "/api/v1/admin/users?query=ada&limit=200&offset=200",
    ]


def test_a_name_that_nobody_has_is_looked_for_among_the_deleted_as_well(
    run: Run, there: Elsewhere, token_file: str
) -> None:
    there.says(Answer(body={"users": [], "total": 0}))
    assert run("users", "show", "bob", "--url", there.url, "--token-file", token_file).exit_code == 3
    assert ["deleted=true" in asked.path for asked in there.asked] == [False, True, False]  # the last for a hint
    assert run("users", "show", "b" * 300, "--url", there.url, "--token-file", token_file).exit_code == 3
    assert len(there.asked) == 3


# Reauthentication

REFUSED = problem(403, "reauth_required", "Prove once more who you are")


@pytest.mark.usefixtures("terminal")
def test_what_wants_a_recent_proof_asks_for_the_password_and_goes_on(
    run: Run, there: Elsewhere, token_file: str
) -> None:
    there.says(Answer(body=ADA), REFUSED, Answer(body={"access_token": "newer"}), Answer(204), Answer(body=ADA))
    done = run(
        "users", "delete", ID, "--yes", "--url", there.url, "--token-file", token_file, typed="a quiet evening\n"
    )
    assert done.exit_code == 0, done.stderr
    assert "quiet" not in done.stdout + done.stderr
    assert [(one.method, one.path.rpartition("/")[2]) for one in there.asked[1:4]] == [
        ("DELETE", ID),
        ("POST", "reauthenticate"),
        ("DELETE", ID),
    ]
    assert json.loads(there.asked[2].body) == {"password": "a quiet evening"}
    assert [one.headers["Authorization"] for one in there.asked[3:]] == ["Bearer newer"] * 2


@pytest.mark.usefixtures("terminal")
def test_a_wrong_password_is_asked_for_once_and_ends_it(run: Run, there: Elsewhere, token_file: str) -> None:
    there.says(Answer(body=ADA), REFUSED, problem(403, "proof_wrong", "The password is wrong"))
    done = run("users", "delete", ID, "--yes", "--url", there.url, "--token-file", token_file, typed="wrong\n")
    assert (done.exit_code, len(there.asked)) == (5, 3)
    assert "The password is wrong" in done.stderr


def test_where_nobody_can_be_asked_the_recent_proof_is_told_about(run: Run, there: Elsewhere, token_file: str) -> None:
    there.says(Answer(body=ADA), REFUSED)
    done = run("users", "delete", ID, "--yes", "--url", there.url, "--token-file", token_file, "--json")
    assert done.exit_code == 5
    told = json.loads(done.stderr)
    assert told["error"] == "reauth_required"
    assert "/api/v1/auth/reauthenticate" in told["message"]


# Certificates


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


def test_a_certificate_that_nobody_vouches_for_gets_no_token(
    run: Run, token_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    with elsewhere(tls) as there:
        there.says(Answer(body=ADA))
        refused = run("users", "show", ID, "--url", there.url, "--token-file", token_file)
        assert (refused.exit_code, there.asked) == (69, [])
        assert "SSL_CERT_FILE" in refused.stderr
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        assert run("users", "show", ID, "--url", there.url, "--token-file", token_file).exit_code == 0
        other = there.url.replace("localhost", "127.0.0.1")
        assert run("users", "show", ID, "--url", other, "--token-file", token_file).exit_code == 69
