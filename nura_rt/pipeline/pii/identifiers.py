"""Numbers that show what they are: by a check digit (python-stdnum) or by a shape that nothing else has."""

import re
from collections.abc import Callable, Iterator

from stdnum import iban
from stdnum.cl import rut
from stdnum.cn import ric
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.in_ import aadhaar, pan
from stdnum.se import personnummer
from stdnum.us import itin

from nura_rt.pipeline.pii.bounds import capped
from nura_rt.pipeline.pii.page import Found, Page

_IBAN = re.compile(r"(?<![a-z\d])[a-z]{2}\d{2}(?:[ .-]?[a-z\d]{4}){2,7}(?:[ .-]?[a-z\d]{1,3})?(?![a-z\d])")
_SSN = re.compile(r"(?<![\d-])(?!000|666)\d{3}([-. ])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])")
_SIGNS = re.compile(r"[^a-z\d]+")
_LETTERS = str.maketrans({chr(ord("a") + place): str(10 + place) for place in range(26)})

_Check = Callable[[str], bool]
# Shape in lower case, and what confirms it; without a check the shape alone is proof.
_SHAPES: dict[str, tuple[str, _Check | None]] = {
    "codice_fiscale": (r"[a-z]{6}\d{2}[a-z]\d{2}[a-z]\d{3}[a-z]", None),
    "curp": (r"[a-z]{4}\d{6}[hmx][a-z]{5}[a-z\d]\d", None),
    "nino": (r"[a-ceghj-prtw-z][a-ceghj-nprtw-z] ?\d{2} ?\d{2} ?\d{2} ?[a-d]", None),
    "pan": (r"[a-z]{3}[abcfghjlpt][a-z]\d{4}[a-z]", pan.is_valid),
    "dni": (r"\d{2}\.?\d{3}\.?\d{3}[- ]?[a-z]", dni.is_valid),
    "nie": (r"[xyz][- ]?\d{7}[- ]?[a-z]", nie.is_valid),
    "cpf": (r"\d{3}\.\d{3}\.\d{3}-\d{2}", None),
    "rut": (r"\d{1,2}\.\d{3}\.\d{3}-[\dk]", rut.is_valid),
    "cuit": (r"(?:20|23|24|27|30|33)-\d{8}-\d", None),
    "nir": (r"[12] ?\d{2} ?\d{2} ?\d[\dab] ?\d{3} ?\d{3}[ /]?\d{2}", nir.is_valid),
    "aadhaar": (r"[2-9]\d{3} \d{4} \d{4}|[2-9]\d{3}-\d{4}-\d{4}", aadhaar.is_valid),
    "idnr": (r"\d{2} \d{3} \d{3} \d{3}", idnr.is_valid),
    "itin": (r"9\d{2}-\d{2}-\d{4}", itin.is_valid),
    "personnummer": (r"(?:19|20)?\d{6}[-+]\d{4}", personnummer.is_valid),
    "ric": (r"\d{17}[\dx]", ric.is_valid),
}
_SHAPE = re.compile(
    r"(?<![a-z\d])(?<!\d[ .-])(?=[a-z]{0,6}[ -]?\d)(?:"
    + "|".join(f"(?P<{name}>{shape})" for name, (shape, _) in _SHAPES.items())
    + r")(?![a-z\d]|[ .-]\d)"  # not the beginning of a longer number
)


def ibans(page: Page) -> Iterator[Found]:
    """Those whose check digits are right; all of that shape once the text says IBAN."""
    said = "iban" in page.lower
    yield from capped(_IBAN, page.lower, lambda match: _iban(match, said), page.zones)


def nationals(page: Page) -> Iterator[Found]:
    """Numbers of states without any announcement."""
    yield from capped(_SHAPE, page.lower, _national, page.zones)
    yield from capped(_SSN, page.lower, lambda match: Found("SSN", *match.span()), page.zones)


def _iban(match: re.Match[str], said: bool) -> Found | None:
    """A word may have been caught behind the number: parts are taken off its end until it is one."""
    value = match[0]
    while len(value) >= 15:
        plain = _SIGNS.sub("", value)
        if int((plain[4:] + plain[:4]).translate(_LETTERS)) % 97 == 1 and iban.is_valid(plain):
            return Found("IBAN", match.start(), match.start() + len(value))
        value = value.rpartition(" ")[0]
    return Found("IBAN", *match.span()) if said else None


def _national(match: re.Match[str]) -> Found | None:
    name = match.lastgroup
    assert name is not None
    check = _SHAPES[name][1]
    if check is None or check(match[0].upper()):
        return Found("NATIONAL_ID", *match.span())
    return None
