"""Slips stand for the word meant, unless they are words themselves."""

import pytest

from nura_rt.pipeline.crisis.misspelt import misspelt

SLIPS = misspelt(["suicide", "myself", "existing", "die"], known=frozenset({"mysel"}))


@pytest.mark.parametrize("typed", ["sucide", "suicdie", "sooside", "sewacide"])
def test_a_slip_is_seen_through(typed: str) -> None:
    assert SLIPS[typed] == "suicide"


@pytest.mark.parametrize("typed", ["exiting", "mysel", "myself", "suicide", "dee"])
def test_words_of_their_own_and_short_ones_stay(typed: str) -> None:
    assert typed not in SLIPS
