"""Settings: every variable loads or is named in the error, and no value ever shows."""

import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt import settings, variables
from nura_rt.settings import Limits, Settings, SettingsError

SECRET = "k3Jd-92mfQz_71aLwPxVt6RbYuNeHcSg"
SAFE_DATABASE = "postgresql://nura:pw@db.example:5432/nura?sslmode=verify-full"
PRODUCTION = {
    "NURA_ENV": "production",
    "SUPABASE_JWT_SECRET": SECRET,
    "SUPABASE_DATABASE_URL": SAFE_DATABASE,
    "REDIS_URL": "rediss://cache.example:6380/0",
}
PARTS = {
    "SUPABASE_DB_HOST": "db.example",
    "SUPABASE_DB_NAME": "nura",
    "SUPABASE_DB_USER": "postgres.project",
    "SUPABASE_DB_PASSWORD": " p@s/s:w?rd% ",
}


def load(**variables: str) -> Settings:
    return settings.load(variables, dotenv=None)


def refusal(variables: dict[str, str]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        settings.load(variables, dotenv=None)
    return caught.value


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    loaded = load()

    assert (loaded.env, loaded.data_dir, loaded.host, loaded.port) == (
        "development",
        Path(".nura"),
        "127.0.0.1",
        8000,
    )
    assert (loaded.database_url, loaded.redis_url, loaded.jwt_secret) == (None, None, None)
    assert (loaded.db_pool_min, loaded.db_pool_max, loaded.token_ttl_s) == (10, 20, 3_600)
    assert (loaded.auth_mode, loaded.log_level, loaded.companion_pace_s) == ("local", "info", 0.03)
    assert (loaded.heartbeat_s, loaded.ping_interval_s, loaded.ping_timeout_s) == (20, 20, 20)
    assert loaded.limits == Limits()


def test_own_origins_follow_the_port() -> None:
    loaded = load(NURA_PORT="8123")

    assert loaded.allowed_origins == ("http://127.0.0.1:8123", "http://localhost:8123")


def test_origins_lose_their_default_port_and_their_capitals() -> None:
    loaded = load(ALLOWED_ORIGINS="https://App.example:443, http://a:80,http://a:8443,capacitor://localhost")

    assert loaded.allowed_origins == (
        "https://app.example",
        "http://a",
        "http://a:8443",
        "capacitor://localhost",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NURA_ENV", "prod"),
        ("NURA_PORT", "0"),
        ("NURA_PORT", "65536"),
        ("NURA_PORT", "\uff18\uff10"),
        ("NURA_PORT", "1_000"),
        ("NURA_HOST", "a b"),
        ("NURA_DATA_DIR", "~nobody-of-that-name/x"),
        ("LIMIT_TEXT_CHARS", "0"),
        ("LIMIT_TEXT_CHARS", "many"),
        ("HELLO_TIMEOUT_S", "nan"),
        ("HELLO_TIMEOUT_S", "1e3"),
        ("DB_POOL_MAX", "31"),
        ("DB_POOL_MAX", "9"),
        ("DB_POOL_MIN", "21"),
        ("LIMIT_HELLO_BYTES", "65537"),
        ("LIMIT_SEND_BUFFER_HARD_BYTES", "65535"),
        ("AUTH_MODE", "none"),
        ("SUPABASE_JWT_SECRET", "x" * 31),
        ("ALLOWED_ORIGINS", "*"),
        ("ALLOWED_ORIGINS", "null"),
        ("ALLOWED_ORIGINS", "https://app.example/"),
        ("ALLOWED_ORIGINS", "https://me@app.example"),
        ("ALLOW_PLAINTEXT_STORES", "perhaps"),
        ("LOG_LEVEL", "loud"),
        ("REDIS_URL", "http://cache"),
        ("SUPABASE_DATABASE_URL", "mysql://db/nura"),
    ],
)
def test_a_broken_rule_names_its_variable(name: str, text: str) -> None:
    error = refusal({name: text})

    assert error.variable == name
    assert str(error) == f"{name}: {error.rule}"


@pytest.mark.parametrize(
    "variables",
    [
        {"SUPABASE_DATABASE_URL": "mysql://u:hunter2@db/n"},
        {"SUPABASE_DATABASE_URL": "postgresql://u:hunter2@db:99999/n"},
        {**PRODUCTION, "SUPABASE_DATABASE_URL": "postgresql://u:hunter2@db/n"},
        {**PRODUCTION, "REDIS_URL": "redis://u:hunter2@cache"},
        {"REDIS_URL": "redis://u:hunter2@cache:port"},
        {"SUPABASE_JWT_SECRET": "hunter2"},
        {**PARTS, "SUPABASE_DB_PASSWORD": "hunter2", "SUPABASE_DB_HOST": "a b"},
        {**PARTS, "SUPABASE_DB_PASSWORD": "hunter2", "SUPABASE_DB_HOST": ":::"},
        {**PARTS, "SUPABASE_DB_PASSWORD": "hunter2\0"},
    ],
)
def test_no_error_holds_a_secret(variables: dict[str, str]) -> None:
    error = refusal(variables)

    told = "".join(traceback.format_exception(error))

    assert "hunter2" not in told


def test_the_message_says_the_rule() -> None:
    error = refusal({"LIMIT_TEXT_CHARS": "100001"})

    assert str(error) == "LIMIT_TEXT_CHARS: must be a whole number from 1 to 100000"


@pytest.mark.parametrize("name", [variable.name for variable in variables.VARIABLES])
@given(text=st.text(st.characters(), max_size=80))
def test_any_text_loads_or_is_refused_in_the_name_of_its_variable(name: str, text: str) -> None:
    around = PRODUCTION if name == "NURA_ENV" else PARTS if name.startswith("SUPABASE_DB_") else {}

    try:
        loaded: object = settings.load({**around, name: text}, dotenv=None)
    except SettingsError as error:
        loaded = error.variable

    assert isinstance(loaded, Settings) or loaded == name


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("NURA_PROT", "NURA_PORT"), ("LIMIT_TEXT_CHAR", "LIMIT_TEXT_CHARS"), ("NURA_DATADIR", "NURA_DATA_DIR")],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(typed: str, meant: str) -> None:
    error = refusal({typed: "1"})

    assert str(error) == f"{typed}: is not a setting; the nearest one is {meant}"


def test_a_variable_set_to_blank_is_unset() -> None:
    loaded = load(REDIS_URL="", NURA_PORT="  ")

    assert (loaded.redis_url, loaded.port) == (None, 8000)


def test_the_parts_are_quoted_into_one_address() -> None:
    loaded = load(**PARTS)

    assert loaded.database_url == (
        "postgresql://postgres.project:%20p%40s%2Fs%3Aw%3Frd%25%20@db.example:5432/nura"
    )


@pytest.mark.parametrize("missing", sorted(PARTS))
def test_a_partial_set_names_the_missing_part(missing: str) -> None:
    error = refusal({name: text for name, text in PARTS.items() if name != missing})

    assert error.variable == missing
    assert "must be set too" in error.rule


def test_the_url_wins_over_its_parts() -> None:
    loaded = load(SUPABASE_DATABASE_URL=SAFE_DATABASE, SUPABASE_DB_HOST="elsewhere")

    assert loaded.database_url == SAFE_DATABASE


@pytest.mark.parametrize(
    ("changed", "variable"),
    [
        ({"SUPABASE_JWT_SECRET": ""}, "SUPABASE_JWT_SECRET"),
        (
            {"SUPABASE_JWT_SECRET": "super-secret-jwt-token-with-at-least-32-characters-long"},
            "SUPABASE_JWT_SECRET",
        ),
        ({"SUPABASE_JWT_SECRET": settings.GENERATED_SECRET_PREFIX + SECRET * 2}, "SUPABASE_JWT_SECRET"),
        ({"SUPABASE_JWT_SECRET": "ab" * 20}, "SUPABASE_JWT_SECRET"),
        ({"SUPABASE_DATABASE_URL": ""}, "SUPABASE_DATABASE_URL"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"SUPABASE_DATABASE_URL": "postgresql://u:p@db/n"}, "SUPABASE_DATABASE_URL"),
        ({"REDIS_URL": "redis://cache"}, "REDIS_URL"),
    ],
)
def test_production_refuses_what_is_unsafe(changed: dict[str, str], variable: str) -> None:
    error = refusal({**PRODUCTION, **changed})

    assert error.variable == variable


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"SUPABASE_DATABASE_URL": "postgresql://u:p@/n?host=/run/pg", "REDIS_URL": "unix:///run/redis.sock"},
        {"SUPABASE_DATABASE_URL": "", **PARTS},
        {
            "SUPABASE_DATABASE_URL": "postgres://u:p@db/n",
            "REDIS_URL": "redis://cache",
            "ALLOW_PLAINTEXT_STORES": "true",
        },
    ],
)
def test_production_starts_with_stores_nobody_can_listen_to(changed: dict[str, str]) -> None:
    loaded = load(**{**PRODUCTION, **changed})

    assert loaded.env == "production"


def test_parts_ask_for_verified_tls_in_production() -> None:
    loaded = load(**{**PRODUCTION, "SUPABASE_DATABASE_URL": "", **PARTS})

    assert loaded.database_url is not None
    assert loaded.database_url.endswith("/nura?sslmode=verify-full")


def test_settings_do_not_print_their_secrets() -> None:
    loaded = load(**PRODUCTION)

    assert SECRET not in f"{loaded} {loaded!r}"
    assert "pw@" not in f"{loaded} {loaded!r}"


def test_a_dotenv_file_is_read_and_the_real_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "# ours\n\nNURA_PORT=8001 # inline\nexport NURA_HOST='::1'\nLOG_LEVEL = \"debug\"\nTOKEN_TTL_S=\n"
        'SUPABASE_JWT_SECRET="with # a \\"quote\\" and 32 bytes or more"\nREDIS_URL=redis://h/0#x\nOTHER=#x\n',
    )

    loaded = settings.load({"NURA_PORT": "9000", "REDIS_URL": ""}, dotenv=file)

    assert (loaded.port, loaded.host, loaded.log_level) == (9000, "::1", "debug")
    assert (loaded.token_ttl_s, loaded.redis_url) == (3_600, None)
    assert loaded.jwt_secret == 'with # a "quote" and 32 bytes or more'


@pytest.mark.parametrize("line", ["NURA_PORT", "1X=2", "A='unclosed", 'A="b" c', "=b", "A=b'c' # fine\n??"])
def test_a_malformed_dotenv_line_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# first\n{line}\n")

    with pytest.raises(SettingsError, match=r"^\.env line [23]: must be KEY=VALUE"):
        settings.load({}, dotenv=file)


@given(content=st.binary(max_size=120))
def test_any_dotenv_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.env"
    file.write_bytes(content)

    try:
        outcome: object = settings.load({}, dotenv=file)
    except SettingsError as error:
        outcome = error

    assert isinstance(outcome, Settings | SettingsError)


def test_a_missing_dotenv_file_is_no_error(tmp_path: Path) -> None:
    assert settings.load({}, dotenv=tmp_path / ".env") == load()
