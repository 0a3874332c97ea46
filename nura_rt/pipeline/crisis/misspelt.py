"""How people spell a word who slip (a letter left out, doubled or swapped, a wrong vowel) or go by its sound."""

from collections.abc import Iterable

_VOWELS = "aeiou"
# slips that are words of their own
_OTHER_WORDS = "exiting strange tables tablet overdoing overdoes staring staving mediation haring trowing"
# a piece as it is spelled -> as it is heard
_HEARD = {
    "sui": ("sui", "su", "sue", "suey", "soo", "sooi", "sooa", "sewi", "sewa", "suy", "soui", "sua", "souey"),
    "cid": ("cid", "sid", "ssid", "cyd", "syd", "zid", "sied", "cied", "said"),
}


def misspelt(words: Iterable[str], known: frozenset[str]) -> dict[str, str]:
    """Slip -> word it stands for; never a word of `known`. Words of up to five letters are other words too often."""
    words = list(words)
    others = known.union(words, _OTHER_WORDS.split())
    return {
        slip: word
        for word in words
        if len(word) > 5
        for slip in (*_slips(word), *_heard(word))
        if slip not in others
    }


def _slips(word: str) -> Iterable[str]:
    for place in range(1, len(word)):  # people get the first letter right
        letter = word[place]
        yield word[:place] + word[place + 1 :]
        yield word[:place] + letter + word[place:]
        if place + 1 < len(word):
            yield word[:place] + word[place + 1] + letter + word[place + 2 :]
        if letter in _VOWELS:
            yield from (word[:place] + other + word[place + 1 :] for other in _VOWELS if other != letter)


def _heard(word: str) -> list[str]:
    sounds = [word]
    for piece, spellings in _HEARD.items():
        sounds = [sound.replace(piece, heard) for sound in sounds for heard in spellings]
    return sounds
