"""Places that help: every entry can be used, every country is one, and nobody is left with nothing."""

import re
from typing import get_args

import phonenumbers
import pytest

from nura_rt.pipeline.turn import Level
from nura_rt.protocol.server import Resource
from nura_rt.safety.resources import Resources

TABLE = Resources.load()
LEVELS: tuple[Level, ...] = get_args(Level)
ENTRIES = [
    pytest.param(country, entry, id=f"{country} {entry.name}")
    for country in (*TABLE.countries, "INTERNATIONAL")
    for entry in TABLE.nearby(country).resources
]


@pytest.mark.parametrize(("country", "entry"), ENTRIES)
def test_an_entry_has_a_name_and_a_way_to_reach_it(country: str, entry: Resource) -> None:
    assert entry.name.strip()
    assert entry.call or entry.text or entry.url


@pytest.mark.parametrize(("country", "entry"), ENTRIES)
def test_a_number_can_be_dialled_and_a_page_opened(country: str, entry: Resource) -> None:
    numbers = [number for number in (entry.call, entry.text) if number is not None]

    assert all(re.fullmatch(r"[0-9][0-9 ]{1,18}", number) for number in numbers)
    assert entry.url is None or re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]{2,}(/\S*)?", entry.url)


@pytest.mark.parametrize("country", TABLE.countries)
def test_a_country_is_one_and_has_its_emergency_number(country: str) -> None:
    calls = [entry.call for entry in TABLE.nearby(country).resources if entry.call]

    assert country in phonenumbers.SUPPORTED_REGIONS
    assert phonenumbers.is_emergency_number(calls[-1], country)
    assert len(calls) >= 2, "an emergency number alone is not somebody to talk with"


@pytest.mark.parametrize("country", ["de", "DE", "De"])
def test_a_country_is_found_in_any_case(country: str) -> None:
    assert TABLE.nearby(country).country == "DE"


@pytest.mark.parametrize("country", ["", "XX", "INTERNATIONAL", "Germany", "\x00", "../US"])
def test_an_unknown_country_gets_the_international_places(country: str) -> None:
    nearby = TABLE.nearby(country)

    assert nearby.country == "INTERNATIONAL"
    assert any(entry.url for entry in nearby.resources)


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_has_a_sentence_and_places_anywhere(level: Level) -> None:
    sentence, places = TABLE.anywhere(level)

    assert sentence
    assert places[0].call == "988"
    assert any(entry.url and "findahelpline" in entry.url for entry in places)


def test_a_graver_level_has_words_of_its_own() -> None:
    sentences = {TABLE.nearby("US", level).sentence for level in ("moderate", "high", "critical")}

    assert len(sentences) == 3
