"""Places that help, by country, from a dated table in the package; no network is needed to show them."""

from importlib import resources as package
from typing import Any

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from nura_rt.pipeline.turn import Level, rank
from nura_rt.protocol.server import Resource

_ANYWHERE = "INTERNATIONAL"


class Nearby(msgspec.Struct, frozen=True):
    """What a person in this country can use now."""

    country: str
    sentence: str
    resources: list[Resource]


class _Table(msgspec.Struct, frozen=True):
    version: str
    sentences: dict[str, str]
    countries: dict[str, list[Resource]]


class Resources:
    """The table, read once."""

    def __init__(self, table: _Table) -> None:
        self._table = table

    @classmethod
    def load(cls) -> "Resources":
        """From the package."""
        text = package.files("nura_rt.safety").joinpath("resources.json").read_bytes()
        return cls(msgspec.json.decode(text, type=_Table))

    @property
    def countries(self) -> tuple[str, ...]:
        """The ISO 3166 codes with entries of their own."""
        return tuple(code for code in self._table.countries if code != _ANYWHERE)

    def nearby(self, country: str, level: Level = "high") -> Nearby:
        """The country's places, or international ones where we know none."""
        code = country.upper() if country.upper() in self._table.countries else _ANYWHERE
        return Nearby(code, self._sentence(level), self._table.countries[code])

    def anywhere(self, level: Level) -> tuple[str, list[Resource]]:
        """For a person whose country is not known here: 988 and the international finder. The page may know better."""
        countries = self._table.countries
        return self._sentence(level), [countries["US"][0], *countries[_ANYWHERE]]

    def _sentence(self, level: Level) -> str:
        return self._table.sentences[level if rank(level) >= rank("moderate") else "moderate"]


def resource_routes(table: Resources) -> list[HTTPRouteHandler]:
    """GET /v1/support/resources, open to anyone: nobody has to sign in to find help."""

    @get("/v1/support/resources")
    async def support_resources(country: str = _ANYWHERE, level: Any = "high") -> Nearby:
        known: Level = level if level in ("moderate", "high", "critical") else "high"
        return table.nearby(country[:16], known)

    return [support_resources]
