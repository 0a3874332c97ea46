"""VADER's rules: what the words before a valence word, capitals and punctuation do to it. Pure functions.

The odd corners are VADER's own and kept on purpose: a test compares the rules with its package.
"""

import math

from nura_rt.pipeline.mood.cues import REACH, Found

NEGATED = -0.74  # what a negator does to a valence
_INTENSIFIED = 1.25
_CAPITALS = 0.733
_DISTANCE = (0.0, 1.0, 0.95, 0.9, 0.85)
_NORMAL = 15.0


def in_english(value: float, spaced: str, start: int, modifiers: Found) -> float:
    """The valence `value` of what begins at `start`, after the modifiers before it."""
    nearest = ""
    for end, cue in reversed(modifiers):
        distance = spaced.count(" ", end, start + 1)
        if distance > REACH:
            break
        sense = cue.english
        if distance == 1:
            nearest = cue.text
        if distance > sense.reach:
            continue
        if sense.boost:
            boost = sense.boost * _DISTANCE[distance]
            value += boost if value > 0 else -boost
        if sense.negates:
            # VADER takes "not been so happy" for happier
            value *= _INTENSIFIED if distance == 3 and nearest == "so" else NEGATED
    return value * NEGATED if nearest == "least" else value


def in_spanish(value: float, spaced: str, start: int, modifiers: Found) -> float:
    """The same. Spanish negators agree with one another ("no ... nunca"), so any number of them turns once."""
    turned = False
    for end, cue in reversed(modifiers):
        distance = spaced.count(" ", end, start + 1)
        if distance > REACH:
            break
        sense = cue.spanish
        boost = sense.boost * _DISTANCE[distance]
        value += boost if value > 0 else -boost
        turned = turned or sense.negates
    return value * NEGATED if turned else value


def in_capitals(value: float) -> float:
    """Stronger."""
    return value + math.copysign(_CAPITALS, value)


def ironically(total: float) -> float:
    """What friendly words come to that are meant the other way round."""
    return NEGATED * total - 1.0 if total >= 0 else total


def normal(total: float, text: str) -> float:
    """A sum of valences as a number in [-1, 1], with what the ! and ? of the text add to it."""
    emphasis = min(text.count("!"), 4) * 0.292
    questions = text.count("?")
    if questions > 1:
        emphasis += 0.18 * questions if questions < 4 else 0.96
    total += emphasis if total > 0 else -emphasis
    return total / math.sqrt(total * total + _NORMAL)
