"""Presidio as a detector (extra `presidio`, MIT): its pattern recognisers, and names where a spaCy model is installed.

Its e-mail recogniser asks tldextract, which would fetch the list of domains from the network on the first address;
here it has the copy that comes with the package, and nothing else.
"""

from collections.abc import Sequence
from typing import Any

from nura_rt.pipeline.detectors.port import Analyse, Threaded
from nura_rt.pipeline.turn import PiiSpan

_WITHIN_S = 30.0  # the first answer loads spaCy
_SURE = 0.4
# what Presidio calls it -> what we do; what is not here (dates, places, nationalities) is no personal data of ours
_TYPES = {
    "PERSON": "PERSON", "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN",
    "US_SSN": "SSN", "US_ITIN": "NATIONAL_ID", "UK_NHS": "NATIONAL_ID", "UK_NINO": "NATIONAL_ID",
    "ES_NIF": "NATIONAL_ID", "ES_NIE": "NATIONAL_ID", "IT_FISCAL_CODE": "NATIONAL_ID",
    "IN_AADHAAR": "NATIONAL_ID", "IN_PAN": "NATIONAL_ID",
    "IP_ADDRESS": "IP", "URL": "URL", "CRYPTO": "ACCOUNT", "MEDICAL_LICENSE": "ACCOUNT", "US_PASSPORT": "NATIONAL_ID",
}  # fmt: skip


def presidio(model: str | None = None, *, language: str = "en", within_s: float = _WITHIN_S) -> Threaded:
    """`model`: an installed spaCy model or a folder with one; without it no names are found, and nothing is loaded.

    Never downloads anything.
    """
    return Threaded("presidio", lambda: _load(model, language), within_s=within_s)


def _load(model: str | None, language: str) -> Analyse:
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_analyzer.recognizer_registry import RecognizerRegistry
    from tldextract import TLDExtract, tldextract

    tldextract.TLD_EXTRACTOR = TLDExtract(suffix_list_urls=(), cache_dir=None)
    engine = SpacyNlpEngine()
    # its own way would download the model that is missing
    engine.nlp = {  # type: ignore[assignment]
        language: spacy.load(model) if model else spacy.blank(language)
    }
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language], nlp_engine=engine)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])
    wanted = [kind for kind in analyzer.get_supported_entities(language) if kind in _TYPES]

    def analyse(text: str) -> Sequence[PiiSpan]:
        found: list[Any] = analyzer.analyze(text, language, entities=wanted, score_threshold=_SURE)
        return [PiiSpan(_TYPES[one.entity_type], one.start, one.end) for one in found]

    return analyse
