"""Who acts, whether it is denied, and when."""

import pytest

from nura_rt.pipeline.crisis import rules
from nura_rt.pipeline.crisis.context import ContextReader

ENGLISH = ContextReader(rules.load("en").lexicon)
SPANISH = ContextReader(rules.load("es").lexicon)


@pytest.mark.parametrize(
    ("view", "actor", "polarity", "time"),
    [
        (" i want to die ", "self", "asserted", "now"),
        (" i dont want to die ", "self", "negated", "now"),
        (" i dont think i want to die ", "self", "negated", "now"),
        (" im not ok i want to die ", "self", "asserted", "now"),
        (" no , i want to die ", "self", "asserted", "now"),
        (" not only do i want to die ", "self", "asserted", "now"),
        (" i am not well but i want to die ", "self", "asserted", "now"),
        (" my sister does want to die ", "third_party", "asserted", "now"),
        (" do you want to die ", "other", "asserted", "now"),
        (" she makes me want to die ", "self", "asserted", "now"),
        (" i used to want to die ", "self", "asserted", "past"),
        (" years ago i had it but now i want to die ", "self", "asserted", "now"),
        (" i still want to die like years ago ", "self", "asserted", "now"),
        (" i want to die and i will ", "self", "asserted", "future"),
    ],
)
def test_the_sentence_around_a_finding_is_read(view: str, actor: str, polarity: str, time: str) -> None:
    start = view.index(" want to die")

    reading = ENGLISH.read(view, start, start + len(" want to die"))

    assert (reading.actor, reading.polarity, reading.time) == (actor, polarity, time)


@pytest.mark.parametrize(
    ("view", "polarity"), [(" no quiero matarme ", "negated"), (" no puedo mas quiero matarme ", "asserted")]
)
def test_a_spanish_no_reaches_only_its_verb(view: str, polarity: str) -> None:
    start = view.index(" quiero matarme")

    assert SPANISH.read(view, start, len(view) - 1).polarity == polarity
