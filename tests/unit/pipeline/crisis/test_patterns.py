"""The pattern language: what matches, what does not, and which patterns are refused."""

import pytest

from nura_rt.pipeline.crisis.patterns import PatternError, Vocabulary, compile_pattern

WORDS = Vocabulary(
    classes={"end": ("die", "stop <thing>"), "thing": ("living",), "loop": ("<loop>",)},
    common=frozenset({"i", "to", "it", "want"}),
    frequent=frozenset({"living"}),
    negators=frozenset({"not"}),
)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("want to die", " i want to die ", True),
        ("want to die", " i want to diet ", False),
        ("want to <end>", " i want to stop living ", True),
        ("want (to|no) die", " want no die ", True),
        ("really? die", " die ", True),
        ("want ~2 die", " want so much die ", True),
        ("want ~2 die", " want so very much die ", False),
        ("want ~2 die", " want not die ", False),
        ("want ~2 die", " want . die ", False),
        ("suicid*", " feeling suicidal ", True),
        ("took # pills", " took 40 pills ", True),
        ("took # pills", " took some pills ", False),
        ("die !(in|of laughter)", " die of laughter ", False),
        ("die !(in|of laughter)", " die of shame ", True),
    ],
)
def test_a_pattern_matches_whole_words_of_one_clause(pattern: str, text: str, matches: bool) -> None:
    compiled = compile_pattern(pattern, WORDS)

    assert bool(compiled.regex.search(text)) is matches
    assert not matches or any(cue in text for cue in compiled.cues)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "want",
        "~2",
        "<unknown> die",
        "<loop> die",
        "(die",
        "die)",
        "(a|b?) die",
        "it ~3 to",
        "die?",
        "don't die",
        "(~2) die",
    ],
)
def test_a_pattern_without_sense_or_anchor_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern, WORDS)


@pytest.mark.parametrize(
    ("pattern", "cues"),
    [
        ("i want to die", (" i want to die ",)),
        ("want ~2 (die|vanish)", (" vanish ", " die ")),
        ("suicid* to", (" suicid",)),
        ("want to !die", (" want to ",)),
    ],
)
def test_the_cues_come_from_the_most_telling_part(pattern: str, cues: tuple[str, ...]) -> None:
    assert compile_pattern(pattern, WORDS).cues == cues
