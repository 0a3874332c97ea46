"""Words outside messages: every text is screened, the worst decides the card."""

import pytest

from nura_rt.conversation.support import SupportCards
from nura_rt.conversation.words import Words, clean
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.realtime.hub import Hub

SERIOUS = "I want to kill myself tonight"


class Nobody:
    def want(self, channel: str) -> None: ...

    def drop(self, channel: str) -> None: ...

    def publish(self, channel: str, seq: int | None, payload: object, prev: int | None = None) -> None: ...


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(
        Pipeline.load(), SupportCards(Hub(Nobody(), on_gap=lambda _: None), lambda level: (level, []))
    )


def test_the_worst_text_decides(words: Words) -> None:
    found = words.screen({"title": "A walk", "description": SERIOUS})

    card = words.show(found, person_id="p1", conversation_id="c1", cause_id="x1")

    assert found.level == "critical"
    assert card is not None
    assert (card.level, card.conversation_id, card.notice_id) == ("critical", "c1", "support-x1")


def test_ordinary_words_and_none_at_all_bring_nothing(words: Words) -> None:
    for texts in ({}, {"title": None, "description": ""}, {"title": "A walk"}):
        found = words.screen(texts)  # type: ignore[arg-type]

        assert words.show(found, person_id="p1", conversation_id=None, cause_id="x1") is None


@pytest.mark.parametrize(
    ("given", "kept"), [(None, None), ("", None), (" \n", None), ("\x00", None), (" a\x00b ", "ab")]
)
def test_a_text_is_cleaned_of_what_cannot_be_kept(given: str | None, kept: str | None) -> None:
    assert clean(given) == kept
