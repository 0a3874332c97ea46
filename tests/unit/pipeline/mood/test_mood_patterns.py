"""The language of the phrases: what a pattern spells out, what it matches, and how it is found."""

import pytest

from nura_rt.pipeline.mood.patterns import PatternError, compile_pattern

COMMON = frozenset(["i", "the", "to", "a", "of", "and", "my"])
CLASSES = {"cant": "cant|could not", "meal": "lunch|dinner"}


@pytest.mark.parametrize(
    ("source", "spellings"),
    [
        ("rock bottom", {"rock bottom"}),
        ("(no|zero) energy", {"no energy", "zero energy"}),
        ("give up (on me)?", {"give up", "give up on me"}),
        ("<cant> eat", {"cant eat", "could not eat"}),
        ("skip (<meal>|the party)", {"skip lunch", "skip dinner", "skip the party"}),
        ("(a (b|c)|d) e", {"a b e", "a c e", "d e"}),
    ],
)
def test_a_bounded_pattern_is_spelled_out(source: str, spellings: set[str]) -> None:
    pattern = compile_pattern(source, CLASSES, COMMON)

    assert set(pattern.anchors) == spellings
    assert pattern.regex is None


def test_a_stem_takes_english_endings() -> None:
    spellings = set(compile_pattern("ask* for help", {}, COMMON).anchors)

    assert {"ask for help", "asks for help", "asked for help", "asking for help"} <= spellings


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("lost ~2 kilos", "i lost kilos", True),
        ("lost ~2 kilos", "i lost another four kilos", True),
        ("lost ~2 kilos", "i lost all of those kilos", False),
        ("# days sober", "200 days sober", True),
        ("# days sober", "ten days sober", True),
        ("# days sober", "some days sober", False),
        ("(went|go) ~1 <meal>", "we went to dinner", True),
        ("(went|go) ~1 <meal>", "we went to dinners", False),
    ],
)
def test_a_pattern_with_gaps_or_numbers_is_a_regex(source: str, text: str, found: bool) -> None:
    pattern = compile_pattern(source, CLASSES, COMMON)

    assert pattern.regex is not None
    assert bool(pattern.regex.search(f" {text} ")) is found
    assert not found or any(f" {anchor} " in f" {text} " for anchor in pattern.anchors)


def test_anchors_are_the_most_telling_words() -> None:
    assert compile_pattern("to the ~2 edge", {}, COMMON).anchors == ("edge",)
    assert compile_pattern("(bridge|my) ~2 edge of", {}, COMMON).anchors == ("edge of",)


@pytest.mark.parametrize("source", ["", "(a|b", "a|b)", "a | b", "(a||b)", "<unknown> a", "~2", "# ~1", "()"])
def test_what_cannot_be_read_or_found_is_refused(source: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(source, CLASSES, COMMON)
