"""Text -> canonical views for matching: lower case, one space between words, ` . ` and ` , ` between clauses.

Apostrophes and accents are dropped ("don't" is "dont"), so rules are written without them. Disguises (leet, starred,
stretched, spaced or glued letters, algospeak) are only decoded into words the rules know: ordinary text is untouched.
"""

import re
import unicodedata
from collections.abc import Mapping
from itertools import islice, product

import msgspec

_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff"
_INVISIBLE += "\ufe0e\ufe0f"
_INVISIBLE += "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_LOOKALIKES = dict(zip("аеіорсухкмтѕјԁαορικ", "aeiopcyxkmtsjdaopik", strict=True))
_QUOTES = dict.fromkeys("“”„«»", '"') | dict.fromkeys("‘’‛ʼ´", "'")  # noqa: RUF001
_PUNCTUATION = str.maketrans(
    dict.fromkeys("!?;\n¡¿", ".")
    | dict.fromkeys(":()[]{}–—", ",")  # noqa: RUF001
    | dict.fromkeys("-/\\#&*+=<>@$%^|~_\t\r\f\v\0", " ")
    | dict.fromkeys("'`", None)
)
_LEET = {"0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "|": "li"}
_LEET |= {"*": "aeiouy", "+": "t", "#": "aeiou"}
_LEET_SIGNS = frozenset("013457@$!*|+#/")
_DISGUISED = re.compile(r"[013457@$*|+#]")
_OD = re.compile(r"\bod'(d|ed|ing)\b")  # the apostrophe would go, and leave `odd`
_INNER_BANG = re.compile(r"!(?=\w)")
_TOKEN = re.compile(r"[^\s.,;:?\"()]{3,24}")
# what people star out: `su***dal`
_STARRED = """
suicide suicides suicidal kill kills killed killing killer die died dying dead death harm rape raped rapist raping
cutting overdose overdosed hang hanging bleeding abuse abused assault assaulted molested drugs
"""
_RUNS = re.compile(r"(\w)\1+")
_ELLIPSIS = re.compile(r"\.{2,}")
_TRIPLE = re.compile(r"([a-z])\1\1")
# what people glue to its neighbours, in tears or to hide it: `iwanttodie`, `killmyself`
_GLUED = re.compile(
    "myself|mylife|todie|wannad|gonnad|suicid|bedead|killme|killing|selfharm|overdos|tolive|bealive|itall|unaliv"
    "|nomore|morir|matar|cortar|vivir"
)
_GLUED_LETTERS = 8  # and more
_GLUED_TOKENS = 12  # looked at in one text
_SPACED_AT_ALL = re.compile(r" \w(?: [.,])? \w(?: [.,])? \w ")
_SPACED = re.compile(r"(?<= )\w(?:(?: [.,])? \w){2,40}(?= )")

_DISGUISES = 240  # decoded in one text; whoever writes more of them is read as typed
_SIGNS = 4000  # code points that emoji may add
_FOLDS = 5000  # remembered


class _Folds(dict[int, str]):
    """Code point -> what it stands for, made when it is first met: letters of all scripts stay, marks go."""

    def __init__(self, special: Mapping[str, str]) -> None:
        super().__init__({ord(sign): name for sign, name in special.items()})

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        folded = "" if code > 127 and unicodedata.combining(sign) else sign
        if len(self) < _FOLDS:
            self[code] = folded
        return folded


class Views(msgspec.Struct, frozen=True):
    """`raw` is the text as typed, `plain` with disguises decoded and words spelled out.

    Both are canonical and space-padded, and often equal.
    """

    raw: str
    plain: str


class Normaliser:
    """Decodes only towards `vocabulary` (canonical words of the rules)."""

    def __init__(
        self,
        spellings: Mapping[str, str],
        emoji: Mapping[str, str],
        vocabulary: frozenset[str],
        elsewhere: frozenset[str] = frozenset(),
    ) -> None:
        """`elsewhere`: spellings that are words of another language, so that the text is read as typed as well."""
        self._spellings = {typed: word for typed, word in spellings.items() if " " not in typed}
        self._spelled = frozenset(self._spellings)
        self._elsewhere = elsewhere
        self._phrases = {typed: word for typed, word in spellings.items() if " " in typed}
        self._phrase = re.compile(f" (?:{'|'.join(sorted(self._phrases, key=len, reverse=True))})(?= )")
        self._phrase_words = frozenset(max(typed.split(), key=len) for typed in self._phrases)
        self._vocabulary = vocabulary | self._spelled
        self._starred = [word for word in _STARRED.split() if word in vocabulary]
        self._special = dict.fromkeys(_INVISIBLE, "") | _QUOTES | _LOOKALIKES
        self._special |= {sign: f" {name} " for sign, name in emoji.items()}
        self._folds = _Folds(self._special)

    def views(self, text: str) -> Views:
        """Both views of any text; never raises, NUL and lone surrogates included."""
        lowered = self._lowered(text)
        raw = _canonical(lowered)
        decoded = raw
        if _DISGUISED.search(lowered) or "s/h" in lowered or ("!" in lowered and _INNER_BANG.search(lowered)):
            decoded = _canonical(self._undisguised(lowered))
        if _TRIPLE.search(decoded):
            decoded = self._shrunk(decoded)
        if _SPACED_AT_ALL.search(decoded):
            decoded = _SPACED.sub(self._join, decoded, count=_DISGUISES // 4)
        plain = self._spelled_out(decoded)
        one = decoded is raw and (plain is raw or self._elsewhere.isdisjoint(raw.split()))
        return Views(plain if one else raw, plain)

    def typed(self, text: str) -> str:
        """The canonical text as it was typed: nothing is decoded or spelled out."""
        return _canonical(self._lowered(text))

    def _lowered(self, text: str) -> str:
        lowered = text.lower()
        if not lowered.isascii():
            lowered = self._fold(lowered)
        if "od'" in lowered:
            lowered = _OD.sub(lambda match: "overdosing" if match[1] == "ing" else "overdosed", lowered)
        return lowered

    def _spelled_out(self, view: str) -> str:
        """How people type words -> the words the rules use."""
        tokens = view.split()
        if not self._phrase_words.isdisjoint(tokens):
            view = self._phrase.sub(self._spell_phrase, view)
            tokens = view.split()
        long = [token for token in tokens if len(token) >= _GLUED_LETTERS]
        if long and _GLUED.search(" ".join(long)):
            view = self._unglue(view, long)
            tokens = view.split()
        if not self._spelled.isdisjoint(tokens):
            return " ".join(["", *(self._spellings.get(token, token) for token in tokens), ""])
        return view

    def _fold(self, text: str) -> str:
        folded = unicodedata.normalize("NFKD", text)
        if len(folded) > 3 * len(text) + 100:  # one sign can unfold to eighteen; no language does that
            folded = text
        lowered = folded.lower()
        signs = lowered.translate(self._folds)
        return signs if len(signs) < 2 * len(lowered) + _SIGNS else self._once_each(lowered)

    def _once_each(self, lowered: str) -> str:
        """Thousands of emoji say no more than one of each."""
        named = [name for sign, name in self._special.items() if len(name) > 1 and sign in lowered]
        bare = lowered.translate({ord(sign): " " for sign, name in self._special.items() if len(name) > 1})
        return "".join([bare.translate(self._folds), *named])

    def _undisguised(self, lowered: str) -> str:
        parts = lowered.split(" ")
        odd = [
            place
            for place, part in enumerate(parts)
            if not part.isalpha() and not _LEET_SIGNS.isdisjoint(part)
        ]
        for place in odd[:_DISGUISES]:
            parts[place] = _TOKEN.sub(self._decode, parts[place], count=_DISGUISES // 4)
        return " ".join(parts)

    def _decode(self, match: re.Match[str]) -> str:
        """`su1c1de`, `k*ll`, `@live` -> the rule word they hide, or unchanged."""
        typed = match[0]
        if typed == "s/h":
            return "selfharm"
        if not any(sign in _LEET for sign in typed) or not any(sign.isalpha() for sign in typed):
            return typed
        bare = typed.rstrip("!")
        for candidate in islice(product(*(_LEET.get(sign, sign) for sign in bare)), 72):
            word = "".join(candidate)
            if word in self._vocabulary:
                return word
        return self._unstar(bare) or typed

    def _unstar(self, typed: str) -> str | None:
        """`su***dal` -> `suicidal`: what is left to see has to tell the word, the number of stars nearly so."""
        head, _, rest = typed.partition("*")
        tail = rest.rpartition("*")[2]
        seen = len(head) + len(tail)
        if seen == len(typed) or not head.isalpha() or seen < 2:
            return None
        slack = 1 if seen > 2 else 0
        return next(
            (
                word
                for word in self._starred
                if word.startswith(head) and word.endswith(tail) and abs(len(word) - len(typed)) <= slack
            ),
            None,
        )

    def _shrunk(self, decoded: str) -> str:
        tokens = decoded.split()
        stretched = [place for place, token in enumerate(tokens) if _TRIPLE.search(token)]
        for place in stretched[:_DISGUISES]:
            tokens[place] = self._shrink(tokens[place])
        return " ".join(["", *tokens, ""])

    def _shrink(self, token: str) -> str:
        """`kiiilllll` -> `kill`: each run of a letter becomes one or two, whichever makes a rule word."""
        if len(token) > 60:
            return token
        choices: list[tuple[str, ...]] = []
        end = 0
        for run in islice(_RUNS.finditer(token), 6):
            choices += [(token[end : run.start()],), (run[1], run[1] * 2)]
            end = run.end()
        candidates = ["".join(parts) + token[end:] for parts in product(*choices)]
        return next((word for word in candidates if word in self._vocabulary), candidates[0])

    def _join(self, match: re.Match[str]) -> str:
        """`k y s`, `w a n t . t o . d i e` -> words of the rules, when all letters can be used up."""
        found = self._words_in(re.sub(r"[ .,]", "", match[0]))
        return " ".join(found) if found and max(map(len, found)) > 2 else match[0]

    def _unglue(self, decoded: str, tokens: list[str]) -> str:
        """`iwanttodie` -> words of the rules, when all letters can be used up."""
        glued = [token for token in tokens if len(token) <= 64 and _GLUED.search(token)]
        parts: dict[str, str] = {}
        for token in glued[:_GLUED_TOKENS]:
            found = None if token in self._vocabulary else self._words_in(token)
            if found:
                parts[token] = " ".join(found)
        if not parts:
            return decoded
        return " ".join(["", *(parts.get(token, token) for token in decoded.split()), ""])

    def _words_in(self, letters: str) -> list[str] | None:
        best: list[list[str] | None] = [[]] + [None] * len(letters)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - 14), end):
                before, word = best[start], letters[start:end]
                if before is not None and (word in self._vocabulary if end - start > 1 else word in "iau"):
                    best[end] = [*before, word]
                    break
        return best[-1]

    def _spell_phrase(self, match: re.Match[str]) -> str:
        return f" {self._phrases[match[0][1:]]}"


def _canonical(lowered: str) -> str:
    text = _ELLIPSIS.sub(" ", lowered) if ".." in lowered else lowered  # a hesitation ends no clause
    text = text.translate(_PUNCTUATION)
    text = text.replace(".", " . ").replace(",", " , ").replace('"', ' " ')
    return f" {' '.join(text.split())} "
