"""Production reaches every store over verified TLS, by a unix socket, or because somebody said it may do without."""

import pytest

from nura_rt import settings, variables
from nura_rt.settings import Settings, SettingsError

DATABASE = "postgresql://nura:pw@db.example:5432/nura?sslmode=verify-full"
SAFE = {
    "SUPABASE_DATABASE_URL": DATABASE,
    "SUPABASE_READ_DATABASE_URL": DATABASE,
    "REDIS_URL": "rediss://cache.example:6380/0",
    "REDIS_CACHE_URL": "rediss://cache.example:6380/1?ssl_ca_certs=/ca.pem",
    "CHROMA_URL": "https://chroma.example",
    **{variable.name: DATABASE for variable in variables.DSNS},
}
PRODUCTION = {
    "NURA_ENV": "production",
    "SUPABASE_JWT_SECRET": "k3Jd-92mfQz_71aLwPxVt6RbYuNeHcSg",
    "SUPABASE_DATABASE_URL": DATABASE,
    "REDIS_URL": SAFE["REDIS_URL"],
}


def load(around: dict[str, str], **variables: str) -> Settings:
    return settings.load({**around, **variables}, dotenv=None)


@pytest.mark.parametrize("name", sorted(SAFE))
@pytest.mark.parametrize("number", range(4))
def test_production_refuses_every_store_address_that_others_can_read(name: str, number: int) -> None:
    listened_to = {
        "postgresql": (
            "postgresql://u:p@db/n",
            "postgresql://u:p@db/n?sslmode=require",
            "postgresql://u:p@db/n?sslmode=verify-ca&sslrootcert=/ca.pem",
            "postgresql://u:p@/n?host=/run/pg,db",
        ),
        "rediss": (
            "redis://cache",
            "redis://cache?ssl_cert_reqs=required",
            "rediss://cache?ssl_cert_reqs=none",
            "rediss://cache?ssl_check_hostname=false",
        ),
        "https": ("http://chroma", "http://chroma:8000", "http://127.0.0.1:8000", "http://chroma/v2"),
    }
    url = listened_to[SAFE[name].partition(":")[0]][number]

    with pytest.raises(SettingsError, match="needs verified TLS") as caught:
        load(PRODUCTION, **{name: url})

    assert caught.value.variable == name
    assert load(PRODUCTION, ALLOW_PLAINTEXT_STORES="true", **{name: url}).env == "production"
    assert load({}, **{name: url}).env == "development"


@pytest.mark.parametrize("name", sorted(SAFE))
def test_production_takes_every_store_address_with_verified_tls(name: str) -> None:
    loaded = load(PRODUCTION, **{name: SAFE[name]})

    assert loaded.env == "production"


def test_every_address_of_a_store_is_known_to_these_tests() -> None:
    addressed = {
        variable.name for variable in (*variables.STORES, *variables.DSNS) if variable.name.endswith("_URL")
    }

    assert set(SAFE) == addressed | {variable.name for variable in variables.DSNS}
