"""Where settings come from, which of them wins, and what is said about those that cannot be used."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenge_adapters.wiring.settings import Settings, SettingsInvalid, load_settings
from revenge_adapters.wiring.settings.schema import all_settings
from revenge_adapters.wiring.settings.values import duration_text, parse, parse_duration, plain
from revenge_core.secrets import Secret

HOME = {"HOME": "/nowhere"}
GOOD_SECRET = "0123456789abcdef0123456789abcdef"


def problems_of(**environ: str) -> dict[str, str]:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(environ=HOME | environ)
    return {problem.key: problem.detail for problem in caught.value.found}


def test_nothing_given_means_defaults_on_this_machine_alone() -> None:
    loaded = load_settings(environ=HOME)
    assert loaded.settings.server.host == "127.0.0.1"
    assert loaded.settings.server.port == 8096
    assert loaded.settings.database.url is None
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.warnings == ()


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "revenge.toml"
    file.write_text('[server]\nport = 1\nname = "file"\nhost = "::1"\n')
    environ = HOME | {"REVENGE_SERVER_PORT": "2", "REVENGE_SERVER_NAME": "environment"}
    loaded = load_settings({"server.port": 3, "server.host": None}, environ, file)
    assert (loaded.settings.server.port, loaded.origins["server.port"]) == (3, "flag --port")
    assert (loaded.settings.server.name, loaded.origins["server.name"]) == (
        "environment",
        "environment REVENGE_SERVER_NAME",
    )
    assert (loaded.settings.server.host, loaded.origins["server.host"]) == ("::1", f"file {file}")


@pytest.mark.parametrize("key", all_settings())
def test_every_setting_can_be_given_in_the_environment(key: str) -> None:
    setting = all_settings()[key]
    samples = {
        "server.unix_socket": "/run/revenge.sock",
        "server.path_prefix": "/revenge",
        "server.public_url": "https://media.example.org/revenge",
        "server.trusted_proxies": "10.0.0.0/8,fd00::/8",
        "server.cors_origins": "https://tv.lan",
        "database.url": "postgresql://h/db",
        "database.owner_url": "postgresql://owner@h/db",
        "database.binaries": "/usr/lib/postgresql/17/bin",
        "audit.ship_to": "https://logs.lan/revenge",
        "audit.ship_token": "open-sesame",
        "auth.jwt_secret": GOOD_SECRET,
        "cache.url": "redis://cache.lan:6379/1",
        "data_dir": "/srv/revenge",
        "avatar.allowed_types": "image/png,image/webp",
        "jobs.module": "club.jobs:work",
        "jobs.queues": "critical,low",
        "jobs.streams": "bulk",
        "metrics.port": "9100",
        "email.from_address": "revenge@example.org",
        "email.from_name": "Films",
        "email.smtp.host": "smtp.example.org",
        "email.smtp.username": "films",
        "email.smtp.password": "open sesame",
    }
    default = plain(setting.default)
    text = samples.get(key, str(default).lower() if isinstance(default, bool) else str(default))
    beside = {
        "REVENGE_DATABASE_URL": "postgresql://h/db",
        "REVENGE_CACHE_URL": "redis://h",
        "REVENGE_AUDIT_SHIP_TO": "https://logs.lan/revenge",
        "REVENGE_AUDIT_SHIP_TOKEN": "open-sesame",
    }
    loaded = load_settings(environ=HOME | beside | {setting.variable: text})
    assert loaded.origins[key] == f"environment {setting.variable}"
    assert loaded.warnings == ()


def test_all_problems_are_named_at_once_with_their_places(tmp_path: Path) -> None:
    file = tmp_path / "revenge.toml"
    file.write_text("[server]\nport = 70000\n[passwords]\ntime_cost = true\n")
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(
            environ=HOME | {"REVENGE_LOG_FORMAT": "xml", "REVENGE_AUTH_JWT_SECRET": "short"}, config_file=file
        )
    assert {(problem.key, problem.source) for problem in caught.value.found} == {
        ("server.port", f"file {file}"),
        ("passwords.time_cost", f"file {file}"),
        ("log.format", "environment REVENGE_LOG_FORMAT"),
        ("auth.jwt_secret", "environment REVENGE_AUTH_JWT_SECRET"),
    }
    assert "one of `json`, `text`" in str(caught.value)
    assert {problem.pointer for problem in caught.value.problems} >= {"/server/port", "/log/format"}


@pytest.mark.parametrize("secret", ["", "a" * 31])
def test_defect_02_a_short_or_empty_master_secret_is_refused_without_showing_it(secret: str) -> None:
    detail = problems_of(REVENGE_AUTH_JWT_SECRET=secret)["auth.jwt_secret"]
    assert secret == "" or secret not in detail


def test_the_length_of_a_master_secret_is_counted_in_bytes() -> None:
    loaded = load_settings(environ=HOME | {"REVENGE_AUTH_JWT_SECRET": "é" * 16})
    assert loaded.settings.auth.jwt_secret == Secret("é" * 16)


def test_an_empty_database_url_is_refused_rather_than_starting_another_database() -> None:
    assert "database.url" in problems_of(REVENGE_DATABASE_URL="")


def test_an_empty_variable_clears_what_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "revenge.toml"
    file.write_text('[server]\npublic_url = "https://media.example.org"\ntrusted_proxies = ["10.0.0.0/8"]\n')
    environ = HOME | {"REVENGE_SERVER_PUBLIC_URL": "", "REVENGE_SERVER_TRUSTED_PROXIES": ""}
    server = load_settings(environ=environ, config_file=file).settings.server
    assert (server.public_url, server.trusted_proxies) == (None, ())


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(GOOD_SECRET + "\n")
    loaded = load_settings(environ=HOME | {"REVENGE_AUTH_JWT_SECRET_FILE": str(tmp_path / "key")})
    assert loaded.settings.auth.jwt_secret == Secret(GOOD_SECRET)
    assert str(tmp_path / "key") in loaded.origins["auth.jwt_secret"]


def test_a_secret_given_twice_or_in_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    twice = problems_of(REVENGE_AUTH_JWT_SECRET=GOOD_SECRET, REVENGE_AUTH_JWT_SECRET_FILE="/dev/null")
    assert "REVENGE_AUTH_JWT_SECRET gives it as well" in twice["auth.jwt_secret"]
    missing = problems_of(REVENGE_AUTH_JWT_SECRET_FILE=str(tmp_path / "no"))
    assert "No such file" in missing["auth.jwt_secret"]


def test_what_is_not_a_setting_is_warned_about_with_what_may_be_meant(tmp_path: Path) -> None:
    file = tmp_path / "revenge.toml"
    file.write_text("[server]\nprot = 1\n")
    warnings = load_settings(environ=HOME | {"REVENGE_SERVER_HOTS": "x", "REVENGE_": "y"}, config_file=file).warnings
    assert any("server.prot" in line and "did you mean server.port?" in line for line in warnings)
    assert any("REVENGE_SERVER_HOTS" in line and "did you mean REVENGE_SERVER_HOST?" in line for line in warnings)
    assert len(warnings) == 3


def test_names_of_the_original_work_and_ours_win_over_them() -> None:
    old = {"REVENGE_LOGGING_LEVEL": "debug", "REVENGE_AUTH_JWT_EXPIRY": "1h", "REVENGE_SESSION_MAX_PER_USER": "3"}
    settings = load_settings(environ=HOME | old).settings
    assert settings.log.level == "debug"
    assert settings.auth.access_token_lifetime == timedelta(hours=1)
    assert settings.sessions.max_per_user == 3
    assert load_settings(environ=HOME | old | {"REVENGE_LOG_LEVEL": "error"}).settings.log.level == "error"


def test_a_file_that_was_named_must_exist_and_be_toml(tmp_path: Path) -> None:
    assert "config file" in problems_of(REVENGE_CONFIG_FILE=str(tmp_path / "no.toml"))
    (tmp_path / "bad.toml").write_text("port: 1")
    assert "is not TOML" in problems_of(REVENGE_CONFIG_FILE=str(tmp_path / "bad.toml"))["config file"]


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "revenge.toml").write_text('data_dir = "data"\n')
    loaded = load_settings(environ=HOME, config_file=tmp_path / "revenge.toml")
    assert loaded.settings.data_dir == tmp_path / "data"


def test_the_users_file_is_found_and_a_relative_base_directory_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "config" / "revenge" / "revenge.toml"
    file.parent.mkdir(parents=True)
    file.write_text("[server]\nport = 5\n")
    assert load_settings(environ=HOME | {"XDG_CONFIG_HOME": str(tmp_path / "config")}).settings.server.port == 5
    assert load_settings(environ={"HOME": str(tmp_path), "XDG_CONFIG_HOME": "config"}).settings.server.port == 8096


def test_the_data_directory_is_the_systems_for_root_and_the_users_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert load_settings(environ=HOME).settings.data_dir == Path("/var/lib/revenge")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert load_settings(environ=HOME).settings.data_dir == Path("/nowhere/.local/share/revenge")
    assert load_settings(environ=HOME | {"XDG_DATA_HOME": "/x"}).settings.data_dir == Path("/x/revenge")
    assert load_settings(environ=HOME | {"REVENGE_DATA_DIR": "/y"}).settings.data_dir == Path("/y")


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("REVENGE_SERVER_TRUSTED_PROXIES", "10.0.0.1/8", "server.trusted_proxies"),
        ("REVENGE_SERVER_PUBLIC_URL", "https://media.example.org/", "server.public_url"),
        ("REVENGE_SERVER_PATH_PREFIX", "revenge", "server.path_prefix"),
        ("REVENGE_SERVER_PATH_PREFIX", "/revenge/", "server.path_prefix"),
        ("REVENGE_SERVER_CORS_ORIGINS", "*", "server.cors_origins"),
        ("REVENGE_SERVER_COOKIE_AUTH_DOMAIN", "example.org; HttpOnly", "server.cookie_auth.domain"),
        ("REVENGE_SERVER_COOKIE_AUTH_DOMAIN", "https://example.org", "server.cookie_auth.domain"),
        ("REVENGE_SERVER_COOKIE_AUTH_DOMAIN", "media.example.org", None),
        ("REVENGE_SERVER_COOKIE_AUTH_SAME_SITE", "loose", "server.cookie_auth.same_site"),
        ("REVENGE_SERVER_DOCS", "perhaps", "server.docs"),
        ("REVENGE_DATABASE_URL", "mysql://h/db", "database.url"),
        ("REVENGE_DATABASE_OWNER_URL", "postgresql://h/db", "database.owner_url"),
        ("REVENGE_DATABASE_POOL_MAX", "1", "database.pool_max"),
        ("REVENGE_AUTH_PASSWORD_MIN_LENGTH", "4", "auth.password_min_length"),
        ("REVENGE_AUTH_ACCESS_TOKEN_LIFETIME", "0s", "auth.access_token_lifetime"),
        ("REVENGE_AUTH_REAUTH_LIFETIME", "0s", "auth.reauth_lifetime"),
        ("REVENGE_LIMITS_GUESSES_REGAIN", "0s", "limits.guesses_regain"),
        ("REVENGE_SESSIONS_TV_ABSOLUTE", "1d", "sessions.tv_absolute"),
        ("REVENGE_SESSIONS_TV_IDLE", "1m", "sessions.tv_idle"),
        ("REVENGE_SESSIONS_TV_IDLE", "1 month", "sessions.tv_idle"),
        ("REVENGE_APIKEYS_LIFETIME", "59m", "apikeys.lifetime"),
        ("REVENGE_APIKEYS_LIFETIME", "3661d", "apikeys.lifetime"),
        ("REVENGE_APIKEYS_OVERLAP", "169h", "apikeys.overlap"),
        ("REVENGE_APIKEYS_REMINDER", "3661d", "apikeys.reminder"),
        ("REVENGE_APIKEYS_MAX_PER_USER", "0", "apikeys.max_per_user"),
        ("REVENGE_JOBS_QUEUES", "", "jobs.queues"),
        ("REVENGE_JOBS_QUEUES", "urgent", "jobs.queues"),
        ("REVENGE_JOBS_POLL_INTERVAL", "0s", "jobs.poll_interval"),
        ("REVENGE_JOBS_LEASE", "1s", "jobs.lease"),
        ("REVENGE_METRICS_PORT", "65536", "metrics.port"),
        ("REVENGE_PASSWORDS_PARALLELISM", "64", None),
        ("REVENGE_PASSWORDS_MEMORY_KIB", "9", None),
    ],
)
def test_a_value_out_of_range_is_refused(variable: str, value: str, key: str | None) -> None:
    if key is None:
        load_settings(environ=HOME | {variable: value})
    else:
        assert key in problems_of(**{variable: value})


def test_cookies_for_other_sites_need_https() -> None:
    for enabled, url, refused in (
        ("true", "http://media.lan", True),
        ("false", "http://media.lan", False),
        ("true", "https://media.lan", False),
        ("true", None, False),
    ):
        variables = {"REVENGE_SERVER_COOKIE_AUTH_ENABLED": enabled, "REVENGE_SERVER_COOKIE_AUTH_SAME_SITE": "none"}
        if url is not None:
            variables["REVENGE_SERVER_PUBLIC_URL"] = url
        if refused:
            assert problems_of(**variables).keys() == {"server.cookie_auth.same_site"}
        else:
            load_settings(environ=HOME | variables)


def test_networks_of_both_families_are_understood() -> None:
    loaded = load_settings(environ=HOME | {"REVENGE_SERVER_TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8 ,127.0.0.1"})
    assert loaded.settings.server.trusted_proxies == tuple(map(ip_network, ("10.0.0.0/8", "fd00::/8", "127.0.0.1")))


def test_no_secret_is_in_the_representation_or_in_what_is_shown() -> None:
    url = "postgresql://me:hunter22@db.example.org/revenge?password=hunter22"
    loaded = load_settings(environ=HOME | {"REVENGE_AUTH_JWT_SECRET": GOOD_SECRET, "REVENGE_DATABASE_URL": url})
    assert GOOD_SECRET not in repr(loaded)
    assert "hunter22" not in repr(loaded)
    assert plain(loaded.settings.auth.jwt_secret) == "********"
    shown = str(plain(loaded.settings.database.url))
    assert "hunter22" not in shown
    assert "me:********@db.example.org/revenge" in shown


def test_a_host_program_can_simply_construct_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.sessions.max_per_user == 10


@given(st.integers(min_value=0, max_value=10**12).map(lambda milliseconds: timedelta(milliseconds=milliseconds)))
def test_a_duration_is_read_back_as_it_is_shown(duration: timedelta) -> None:
    assert parse_duration(duration_text(duration)) == duration


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "1e3s", "1w", "99999999999d", "٣m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text, timedelta)


def test_parts_of_a_duration_add_up() -> None:
    assert parse_duration("1h30m") == timedelta(minutes=90)
    assert parse_duration("1.5h") == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hunter22@h1:1,[::1]:2/db", "postgresql://me:********@h1:1,[::1]:2/db"),
        ("postgresql://me:hun@ter22@h/db", "postgresql://me:********@h/db"),
        ("postgresql://me@h:5432/db?x=hunter22", "postgresql://me@h:5432/db?********"),
        ("postgresql://me:hun/ter22@h/db", "postgresql://********"),
        ("postgresql://me:hun?ter22@h/db", "postgresql://********"),
        ("postgresql://me:hun#ter22@h/db", "postgresql://me:********@h/db"),
        ("postgresql:///db?password=hunter@22", "postgresql://********"),
        ("postgresql://me:hunter22", "postgresql://********"),
    ],
)
@pytest.mark.asvs("13.3.1")
def test_no_part_of_a_password_in_a_url_is_shown_however_it_was_written(url: str, shown: str) -> None:
    assert plain(Secret(url)) == shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter/22@h/db",
        "postgresql://me:hunter%zz@h/db",
        "postgresql://me:pw@h/db?passwrd=hunter",
        "postgresql://me:pw@[h/hunter",
    ],
)
@pytest.mark.asvs("13.3.1")
def test_an_address_that_the_driver_does_not_understand_is_refused_without_repeating_it(url: str) -> None:
    problems = problems_of(REVENGE_DATABASE_URL=url)
    assert "percent-encode" in problems["database.url"]
    assert "hunter" not in str(problems)


def test_a_secret_that_is_no_text_is_refused() -> None:
    assert set(problems_of(REVENGE_AUTH_JWT_SECRET=GOOD_SECRET + "\udcff")) == {"auth.jwt_secret"}


@pytest.mark.parametrize(
    "url", ["redis://cache.lan", "rediss://:open%20sesame@cache.lan:6380/2", "unix:///run/dragonfly.sock?db=1"]
)
def test_addresses_of_dragonfly_are_understood(url: str) -> None:
    loaded = load_settings(environ=HOME | {"REVENGE_CACHE_URL": url})
    assert loaded.settings.cache.url == Secret(url)


@pytest.mark.parametrize(
    "url", ["cache.lan:6379", "http://cache.lan", "redis://", "redis://:pass@host:port", "unix://"]
)
def test_other_addresses_are_refused_without_repeating_them(url: str) -> None:
    (detail,) = problems_of(REVENGE_CACHE_URL=url).values()
    assert "redis://:password@host" in detail
    assert "pass@" not in detail


@pytest.mark.parametrize("named", ["club", "club.jobs", "club:", ":work", "club:work()", "club/jobs.py:work", "1:a"])
def test_what_is_no_name_of_a_function_is_refused(named: str) -> None:
    assert "package.module:function" in problems_of(REVENGE_JOBS_MODULE=named)["jobs.module"]


def test_streams_need_something_to_carry_them() -> None:
    assert "cache.url" in problems_of(REVENGE_JOBS_STREAMS="bulk")["jobs.streams"]
    off = problems_of(REVENGE_JOBS_STREAMS="bulk", REVENGE_CACHE_URL="redis://h", REVENGE_CACHE_ENABLED="false")
    assert "cache.url" in off["jobs.streams"]
