"""How serious a conversation was lately: only ever raised, and only the latest are remembered."""

from hypothesis import given
from hypothesis import strategies as st

from nura_rt.conversation.recent import RecentLevels
from nura_rt.pipeline.turn import LEVELS, Level, rank


def test_of_an_unknown_conversation_nothing_is_known() -> None:
    assert RecentLevels().of("ann", "c1") == "none"


@given(st.lists(st.sampled_from(LEVELS), min_size=1))
def test_the_highest_level_stays(levels: list[Level]) -> None:
    recent = RecentLevels()

    for level in levels:
        recent.note("ann", "c1", level)

    assert recent.of("ann", "c1") == max(levels, key=rank)


def test_conversations_do_not_mix() -> None:
    recent = RecentLevels()

    recent.note("ann", "c1", "high")

    assert recent.of("ann", "c2") == "none"


def test_the_longest_silent_is_forgotten_first() -> None:
    recent = RecentLevels()
    recent.note("ann", "old", "high")
    recent.note("ann", "kept", "high")
    for number in range(9_998):
        recent.note("ann", f"c{number}", "low")
    recent.note("ann", "kept", "none")

    recent.note("ann", "one more", "low")

    assert (recent.of("ann", "old"), recent.of("ann", "kept"), recent.of("ann", "c0")) == (
        "none",
        "high",
        "low",
    )


def test_a_stranger_who_names_a_conversation_hears_nothing_of_its_owner() -> None:
    recent = RecentLevels()

    recent.note("ann", "c1", "critical")

    assert recent.of("bob", "c1") == "none"
