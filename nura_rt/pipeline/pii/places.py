"""Street addresses, with flat, town and postcode where they follow; postcodes that say as much as a street.

Rules start from the word for a street, never from a number: texts have few of the first and many of the second.
"""

import re
from collections.abc import Iterator

from nura_rt.pipeline.pii.bounds import capped, each
from nura_rt.pipeline.pii.page import Found, Page
from nura_rt.pipeline.pii.patterns import any_of

_STATE = any_of(
    """al ak az ar ca co ct dc de fl ga hi ia id il in ks ky la ma md me mi mn mo ms mt nc nd ne nh nj nm nv ny
    oh ok or pa ri sc sd tn tx ut va vt wa wi wv wy"""
)
_UNIT_WORD = any_of("apt apartment unit suite ste flat floor fl room rm #")
_UNIT = rf"(?:{_UNIT_WORD}\.? ?#?(?:\d{{1,5}}[a-z]?|[a-z]\d{{0,4}})|\d{{1,2}}(?:st|nd|rd|th) floor)(?!\w)"
_NO_TOWN = any_of(
    "call text ring phone tel cell mobile reach my me and or but i we he she they so please number"
)
_NO_TOWN = rf"(?!{_NO_TOWN}\b)"
_WORDS = rf"{_NO_TOWN}[a-z][a-z'-]{{1,25}}(?: {_NO_TOWN}[a-z][a-z'-]{{1,25}}){{0,3}}"
_ZIP = r"(?:[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}|\d{5}(?:-\d{3,4})?|\d{4} [a-z]{2})(?!\w|[ .-]?\d)"
_TAIL = re.compile(
    rf"\.?(?: (?:n|s|e|w|ne|nw|se|sw|north|south|east|west)\.?(?!\w))?(?:,? {_UNIT})?"
    rf"(?:,? ?(?:{_WORDS},? )?(?:{_STATE},? )?{_ZIP}|, ?{_WORDS},? {_STATE}(?!\w))?"
)
_TOWN_NAME = r"[A-Z][\w'-]{2,25}(?: [A-Z][\w'-]{2,25})?"
_TOWN = re.compile(rf",? {_TOWN_NAME}(?=[,.;!?\n)]|$)|, {_TOWN_NAME}")

# English: the number first, then the name, then the word for a street.
_NO_PART = any_of(
    r"""\d+ any some no not if when but so as be been please plz u ur im just only then now today tonight
    tomorrow because call text me on the in down at of and to a an my his her our your their from for with
    this that is was are i we he she it they you by times? blocks? people minutes? mins? hours? hrs? days?
    weeks? months? years? yrs? miles? km meters? metres? steps more cars pills? mg beers? drinks? kids?
    friends? houses? am pm or per each every about off up out into across along near appointments? sessions?
    visits? stars? points? dollars bucks pounds percent inches feet ft different other another new whole
    long full"""
)
_HOUSE = (
    r"(?<![\w/$€£-])(?<!\d[.,])\d{1,5}(?: ?[a-f](?!\w))?(?:[-/]\d{1,4}[a-z]?)?(?: 1/2)?,?[ ]{1,2}"
    rf"((?:(?!{_NO_PART} )[\w'.-]{{1,25}}[ ]{{1,2}}){{0,4}})$"
)
_ENGLISH = re.compile(rf"(?:{_UNIT},? )?{_HOUSE}")
# No other word than one for a street.
_CLEAR = frozenset(
    {
        "street", "st", "str", "avenue", "ave", "road", "rd", "boulevard", "blvd", "lane", "ln",
        "highway", "hwy", "parkway", "pkwy", "crescent", "cres", "terrace", "mews", "turnpike"
    }
)  # fmt: skip
_ALONE = frozenset({"broadway"})
_LIVES = re.compile(
    r"(?:\b(?:at|to|is|from|near|outside|address|live|in|by|number|no|deliver|ship|send|home)|[:,(\n]|^) ?$"
)
_PO_BOX = re.compile(r"\bp\.? ?o\.? ?$")
_BOX_NUMBER = re.compile(r" \d{1,6}(?!\w)")
# Elsewhere: the word for a street, then the name, then the number.
_COUNTED = any_of(
    r"""minut hora dias?\b veces ano euro persona min\b km\b metro uhr stunde jahr tage?\b heure jours?\b mal\b
    prozent am\b pm\b h\b times hours days % € \$"""
)
_COUNTED = rf"(?! ?{_COUNTED})"  # "paseo de 20 minutos"
_DOOR = r"(?:,? \d{1,2}[oa](?: ?-? ?(?:[a-h]|izq|dcha|der)\b)?)?"
_NO_CALLE = any_of(
    """con mi por y en a que para sin cada un una durante hasta me se no muy mas como ya este esta of and my
    the zoom"""
)
_CALLE_WORD = rf"(?!{_NO_CALLE} )[\w.'-]{{1,25}}"
_CALLE = re.compile(
    rf"[ ./]{{1,2}}(?:{_CALLE_WORD} ){{0,5}}{_CALLE_WORD},? (?:num(?:ero)?\.? ?|n\.?o\.? ?|# ?)?"
    rf"\d{{1,5}} ?[a-f]?(?!\w|[.:]\d){_COUNTED}{_DOOR}"
)
# Colombia: "carrera 7 # 45-12".
_GRID = re.compile(r" \d{1,3}[a-z]?(?: (?:sur|norte|bis))? ?(?:#|no\.?|n\.?o\.?) ?\d{1,3}[a-z]? ?- ?\d{1,3}")
_RUE_NUMBER = re.compile(r"(?<![\w.,/])\d{1,4}(?: ?(?:bis|ter))?,? $")
_RUE_NAME = re.compile(
    r"\.? (?:(?:de|du|des|la|le|les) |l'|d'){0,2}[\w.'-]{2,25}"
    r"(?:[ -](?!et |ou |a |mais |qui )[\w.'-]{2,25}){0,2}?(?=,|\.|;|$| \d| [a-z])"
)
_STRASSE = re.compile(rf"\.? ?\d{{1,4}} ?[a-f]?(?!\w|[.:]\d){_COUNTED}")
_STRASSE_NAME = re.compile(r"(?:\b(?:an der|am|im|auf dem|in der|zum|zur|unter den) )?\b[\w.-]*$")
_NO_STRASSE = frozenset({"heim", "um", "arbeits", "schul", "aus", "ruck", "hin", "spiel", "park", "sitz"})
# Anywhere on the continent: a capitalised name, a number, a postcode, a town.
_POST_TOWN = re.compile(r"\d(?<![\w.].)\d{0,3} ?[a-fA-F]?,? (?:[A-Z]{1,2}-)?\d{4,5} [A-Z][\w'-]{2,25}")
_CAPITALISED = re.compile(r"(?:(?<!\w)[A-Z][\w.'-]{1,25} ){1,4}$")
_POSTCODE = re.compile(r"[A-Z](?<!\w.)[A-Z]?\d[A-Z\d]? ?\d(?![AP]M|M[GL]|K[GM])[ABD-HJLNP-UW-Z]{2}(?!\w)")
_ZIP_CODE = re.compile(r"\d(?<!\d.)\d{4}(?:-\d{4})?(?!\w|[ .-]?\d)")
_STATE_BEFORE = re.compile(rf"(?<!\w){_STATE.upper()},? $")


def addresses(page: Page) -> Iterator[Found]:
    """With a number of the house; a street alone is no address."""
    for read, kind in ((_english, "street"), (_calle, "calle"), (_rue, "rue"), (_strasse, "strasse")):
        if kind in page.kinds:
            yield from each(page, kind, read)
    yield from capped(_POST_TOWN, page.text, _continental, page.zones)
    yield from capped(_ZIP_CODE, page.text, _state_zip, page.zones)
    yield from capped(_POSTCODE, page.text, lambda match: Found("ADDRESS", *match.span()))


def _english(page: Page, start: int, end: int) -> Found | None:
    lower = page.lower
    word = lower[start:end]
    if word == "box":
        return _box(page, start, end)
    match = _ENGLISH.search(lower, max(0, start - 100), start)
    if match is None or not (match[1] or word in _ALONE):
        return None
    if word not in _CLEAR and not _is_lived_at(page, match, end):
        return None
    return _with_tail(page, match.start(), end)


def _is_lived_at(page: Page, match: re.Match[str], end: int) -> bool:
    """A court, a way, a close are streets where they are capitalised or somebody lives at them."""
    words = page.text[match.start(1) : end].split()
    if all(word[0].isupper() or word[0].isdigit() for word in words):
        return True
    return _LIVES.search(page.lower, max(0, match.start() - 20), match.start()) is not None


def _box(page: Page, start: int, end: int) -> Found | None:
    before = _PO_BOX.search(page.lower, max(0, start - 8), start)
    number = _BOX_NUMBER.match(page.lower, end)
    return _with_tail(page, before.start(), number.end()) if before and number else None


def _calle(page: Page, start: int, end: int) -> Found | None:
    if page.lower[start:end] == "c" and page.lower[end : end + 1] not in ("/", "."):
        return None
    match = _GRID.match(page.lower, end) or _CALLE.match(page.lower, end)
    return _with_tail(page, start, match.end()) if match else None


def _rue(page: Page, start: int, end: int) -> Found | None:
    number = _RUE_NUMBER.search(page.lower, max(0, start - 12), start)
    name = _RUE_NAME.match(page.lower, end)
    return _with_tail(page, number.start(), name.end()) if number and name else None


def _strasse(page: Page, start: int, end: int) -> Found | None:
    number = _STRASSE.match(page.lower, end)
    if number is None:
        return None
    name = _STRASSE_NAME.search(page.lower, max(0, start - 50), start)
    first = name.start() if name else start
    if page.lower[first:start] in _NO_STRASSE:
        return None
    return _with_tail(page, first, number.end())


def _continental(match: re.Match[str]) -> Found | None:
    name = _CAPITALISED.search(match.string, max(0, match.start() - 90), match.start())
    return Found("ADDRESS", name.start(), match.end()) if name else None


def _state_zip(match: re.Match[str]) -> Found | None:
    state = _STATE_BEFORE.search(match.string, max(0, match.start() - 5), match.start())
    return Found("ADDRESS", state.start(), match.end()) if state else None


def _with_tail(page: Page, start: int, end: int) -> Found:
    """The address from `start`, with what says more of it behind `end`."""
    tail = _TAIL.match(page.lower, end)
    end = tail.end() if tail else end
    town = _TOWN.match(page.text, end)
    return Found("ADDRESS", start, town.end() if town else end)
