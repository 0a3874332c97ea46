"""What the mood scorer knows: VADER's lexicon, our words and phrases, put together as cues to find in a text."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from nura_rt.pipeline.cues import Cues
from nura_rt.pipeline.mood.cues import Cue, Kind, Patterns, Phrase, Sense
from nura_rt.pipeline.mood.files import Base, Language, vader_words
from nura_rt.pipeline.mood.patterns import compile_pattern

_SHORT_REACH = 2  # of `no`, and of negators of ours
_NOTHING = Sense()
_PHRASE = Kind.PHRASE.value

Senses = Mapping[str, Sense]


class MoodWords(msgspec.Struct, frozen=True):
    """Everything the scorer knows."""

    cues: Cues[Cue]
    english_marks: frozenset[str]
    signs: Mapping[str, str]  # what a character outside ASCII stands for

    @classmethod
    def load(cls) -> "MoodWords":
        """Reads all files, about half a second; raises when one is missing or broken."""
        base = Base.read()
        english, spanish = _table(base.en), _table(base.es)
        known = _stronger(vader_words() | base.signs.valence, english)
        return cls.build(
            base,
            _without(spanish, base.en.foreign) | known,
            _without(known, base.es.foreign) | spanish,
            [phrase for language in (base.en, base.es) for phrase in _phrases(language)],
        )

    @classmethod
    def build(
        cls, base: Base, english: Mapping[str, float], spanish: Mapping[str, float], phrases: Iterable[Phrase]
    ) -> "MoodWords":
        """From the valences of each language's words, and phrases besides those of the rules themselves."""
        own = dict.fromkeys([*base.en.strengthening, *base.en.weakening], 0.0) | base.en.idioms
        idioms = [Phrase(text, {}, valence) for text, valence in own.items()]
        cues = _cues(base, _senses(english, base.en), _senses(spanish, base.es), [*idioms, *phrases])
        return cls(Cues(cues), base.en.marks(), base.signs.table())


def _cues(base: Base, english: Senses, spanish: Senses, phrases: Iterable[Phrase]) -> dict[str, Cue]:
    """By the text to find, with a space on each side. Spellings of one phrase share what they can."""
    spelled, tried = _compiled(phrases, base.common())
    kinds = dict.fromkeys(english.keys() | spanish.keys(), 0)
    for kind, texts in (
        (Kind.MODIFIER, {text for table in (english, spanish) for text in table if table[text].modifies}),
        (Kind.MARK, base.es.marks()),
        (Kind.PHRASE, spelled.keys() | tried.keys()),
        (Kind.IRONIC, set(base.signs.ironic.split())),
        (Kind.NO, {"no"}),
    ):
        kinds |= {text: kinds.get(text, 0) | kind.value for text in texts}
    shared: dict[tuple[str, int], Cue] = {}
    cues: dict[str, Cue] = {}
    for text, bits in kinds.items():
        phrase = spelled.get(text)
        key = (phrase.source, len(text)) if phrase and bits == _PHRASE and text not in tried else (text, 0)
        if key not in shared:
            senses = [_said_by(phrase, table.get(text, _NOTHING)) for table in (english, spanish)]
            shared[key] = Cue(text, len(text) + 1, bits, senses[0], senses[1], phrase, tried.get(text, ()))
        cues[f" {text} "] = shared[key]
    return cues


def _said_by(phrase: Phrase | None, word: Sense) -> Sense:
    return word if phrase is None else msgspec.structs.replace(word, valence=phrase.valence)


def _senses(valence: Mapping[str, float], language: Language) -> Senses:
    boosters = language.boosters()
    negators = language.all_negators()
    short = {"no", *language.own_negators.split()}
    asked = {*boosters, *negators, *language.asked.split(), language.contrast}
    plain = {value: Sense(value) for value in valence.values()}
    return {word: plain[value] for word, value in valence.items()} | {
        word: Sense(
            0.0 if word in boosters else valence.get(word, 0.0),
            0.0 if word in valence else boosters.get(word, 0.0),
            word in negators or word == "no",
            word == language.contrast,
            True,
            _SHORT_REACH if word in short else _NOTHING.reach,
        )
        for word in asked
    }


def _compiled(
    phrases: Iterable[Phrase], common: frozenset[str]
) -> tuple[dict[str, Phrase], dict[str, Patterns]]:
    """The phrases by each of their spellings, the strongest for it; and the patterns to try, by their anchors."""
    spelled: dict[str, Phrase] = {}
    tried: dict[str, Patterns] = {}
    for phrase in phrases:
        pattern = compile_pattern(phrase.source, phrase.classes, common)
        for anchor in pattern.anchors:
            if pattern.regex is None:
                spelled[anchor] = max(spelled.get(anchor, phrase), phrase, key=lambda one: abs(one.valence))
            else:
                tried[anchor] = (*tried.get(anchor, ()), (pattern.regex, phrase))
    return spelled, tried


def _table(language: Language) -> dict[str, float]:
    """Our words of a language; of a word in two groups the stronger valence."""
    table: dict[str, float] = {}
    for file in language.group_files():
        for group in file.group:
            table = _stronger(table, group.table())
    return table


def _phrases(language: Language) -> Iterator[Phrase]:
    for file in language.group_files():
        for group in file.group:
            for source in group.phrases:
                yield Phrase(source, file.classes, group.valence, group.ironic)


def _stronger(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """Both tables; of two valences of a word the one further from zero, the first on a tie."""
    weaker = {word for word in one.keys() & other if abs(one[word]) >= abs(other[word])}
    return {**one, **{word: value for word, value in other.items() if word not in weaker}}


def _without(table: Mapping[str, float], words: str) -> dict[str, float]:
    dropped = set(words.split())
    return {word: value for word, value in table.items() if word not in dropped}
