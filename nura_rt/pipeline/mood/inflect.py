"""Spanish endings, so that the mood files list words once. Makes some forms nobody writes; they do no harm."""

_AR = """
ar o as a amos ais an aba abas abamos aban e aste aron are ara aras aremos aran aria arias arian es emos en ase ado ada
ados adas ando
"""
_ER = """
o es e emos en ia ias iamos ian i iste io imos ieron a as amos an iera ieras ieran ido ida idos idas iendo
"""
_FUTURE_ER = "er ere era eras eran eria erian"
_FUTURE_IR = "ir ire ira iras iran iria irian"
_ENDINGS = {
    "ar": tuple(_AR.split()),
    "er": (*_ER.split(), *_FUTURE_ER.split()),
    "ir": (*_ER.split(), *_FUTURE_IR.split()),
}
_CLITICS = ("me", "te", "se", "lo", "la", "los", "las", "le", "les", "nos")
_BEFORE_E = {"g": "gu", "c": "qu", "z": "c"}  # how a stem of -ar keeps its sound: pegar, pegue


def adjective(word: str) -> set[str]:
    """Gender and number of a masculine singular, and its superlative: triste, tristes, tristisima..."""
    if word.endswith("o"):
        stem = word[:-1]
        return {stem + end for end in ("o", "a", "os", "as")} | _superlatives(stem)
    if word.endswith("e"):
        return {word, word + "s"} | _superlatives(word[:-1])
    plural = word[:-1] + "ces" if word.endswith("z") else word + "es"
    feminine = {word + "a", word + "as"} if word.endswith("or") else set()
    return {word, plural, *feminine}


def verb(entry: str) -> set[str]:
    """The forms of `infinitive` or `infinitive:stem,stem` (the stems it changes to), with pronouns behind."""
    infinitive, _, changed = entry.partition(":")
    kind = infinitive[-2:]
    forms: set[str] = set()
    for stem in (infinitive[:-2], *filter(None, changed.split(","))):
        forms.update(_joined(stem, end, kind) for end in _ENDINGS[kind])
    gerund = infinitive[:-2] + ("ando" if kind == "ar" else "iendo")
    return forms | {base + clitic for base in (infinitive, gerund) for clitic in _CLITICS}


def _joined(stem: str, end: str, kind: str) -> str:
    if kind == "ar" and end.startswith("e") and stem[-1:] in _BEFORE_E:
        return stem[:-1] + _BEFORE_E[stem[-1]] + end
    return stem + end


def _superlatives(stem: str) -> set[str]:
    base = stem[:-1] + _BEFORE_E.get(stem[-1], stem[-1]) if stem[-1] in "cg" else stem
    return {f"{base}isim{end}" for end in ("o", "a", "os", "as")}
