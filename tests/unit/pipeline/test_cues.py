"""All phrases are found in one pass, overlapping ones too."""

from nura_rt.pipeline.cues import Cues


def test_overlapping_phrases_are_all_found_with_their_last_place() -> None:
    cues = Cues({" want to ": "wish", " to die ": "death"})

    assert list(cues.find(" want to die ")) == [(8, "wish"), (12, "death")]
