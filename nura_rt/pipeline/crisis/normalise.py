"""Text -> canonical views for matching: lower case, one space between words, ` . ` and ` , ` between clauses.

Apostrophes and accents are dropped ("don't" is "dont"), so rules are written without them. Disguises (leet,
stretched or spaced letters, algospeak) are only decoded into words the rules know: ordinary text is untouched.
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
_LEET_BYTES = b"013457@$*|+#"
_INNER_BANG = re.compile(r"\w!\w")
_TOKEN = re.compile(r"[^\s.,;:?\"()]{3,24}")
_RUNS = re.compile(r"(\w)\1+")
_ELLIPSIS = re.compile(r"\.{2,}")
_TRIPLES = tuple(letter * 3 for letter in "abcdefghijklmnopqrstuvwxyz")
_TRIPLE = re.compile(r"([a-z])\1\1")
_SPACED_AT_ALL = re.compile(r" \w(?: [.,])? \w(?: [.,])? \w ")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_SPACED = re.compile(r"(?<= )\w(?:(?: [.,])? \w){2,40}(?= )")


class Views(msgspec.Struct, frozen=True):
    """`raw` is the text as typed, `plain` with disguises decoded; both canonical, space-padded, often equal."""

    raw: str
    plain: str


class Normaliser:
    """Decodes only towards `vocabulary` (canonical words of the rules)."""

    def __init__(
        self, spellings: Mapping[str, str], emoji: Mapping[str, str], vocabulary: frozenset[str]
    ) -> None:
        self._spellings = dict(spellings)
        self._spelled = frozenset(spellings)
        self._vocabulary = vocabulary | self._spelled
        self._special = dict.fromkeys(_INVISIBLE, "") | _QUOTES | _LOOKALIKES
        self._special |= {sign: f" {name} " for sign, name in emoji.items()}

    def views(self, text: str) -> Views:
        """Both views of any text; never raises, NUL and lone surrogates included."""
        lowered = text.lower()
        if not lowered.isascii():
            lowered = self._fold(lowered)
        raw = _canonical(lowered)
        decoded = _canonical(self._undisguised(lowered)) if _maybe_disguised(lowered) else raw
        if any(map(decoded.__contains__, _TRIPLES)):
            decoded = " ".join(["", *map(self._shrink, decoded.split()), ""])
        if _SPACED_AT_ALL.search(decoded):
            decoded = _SPACED.sub(self._join, decoded)
        tokens = decoded.split()
        if not self._spelled.isdisjoint(tokens):
            decoded = " ".join(["", *(self._spellings.get(token, token) for token in tokens), ""])
        return Views(raw, decoded)

    def _fold(self, text: str) -> str:
        folded = unicodedata.normalize("NFKD", text)
        if len(folded) > 3 * len(text) + 100:  # one sign can unfold to eighteen; no language does that
            folded = text
        return _FOREIGN.sub(self._fold_sign, folded.lower())

    def _fold_sign(self, match: re.Match[str]) -> str:
        sign = match[0]
        if sign in self._special:
            return self._special[sign]
        return "" if unicodedata.combining(sign) else sign

    def _undisguised(self, lowered: str) -> str:
        return " ".join(
            part if part.isalpha() or _LEET_SIGNS.isdisjoint(part) else _TOKEN.sub(self._decode, part)
            for part in lowered.split(" ")
        )

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
        return typed

    def _shrink(self, token: str) -> str:
        """`kiiilllll` -> `kill`: each run of a letter becomes one or two, whichever makes a rule word."""
        if len(token) > 60 or not _TRIPLE.search(token):
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
        letters = re.sub(r"[ .,]", "", match[0])
        best: list[list[str] | None] = [[]] + [None] * len(letters)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - 14), end):
                before, word = best[start], letters[start:end]
                if before is not None and (word in self._vocabulary or word == "i"):
                    best[end] = [*before, word]
                    break
        found = best[-1]
        return " ".join(found) if found and max(map(len, found)) > 2 else match[0]


def _maybe_disguised(lowered: str) -> bool:
    typed = lowered.encode("utf-8", "surrogatepass")
    if len(typed.translate(None, _LEET_BYTES)) != len(typed):
        return True
    return "s/h" in lowered or ("!" in lowered and _INNER_BANG.search(lowered) is not None)


def _canonical(lowered: str) -> str:
    text = _ELLIPSIS.sub(" ", lowered) if ".." in lowered else lowered  # a hesitation ends no clause
    text = text.translate(_PUNCTUATION)
    text = text.replace(".", " . ").replace(",", " , ").replace('"', ' " ')
    return f" {' '.join(text.split())} "
