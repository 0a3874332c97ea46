"""The Spanish endings that people write are among those made."""

import pytest

from nura_rt.pipeline.mood.inflect import adjective, verb


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("cansado", "cansado cansada cansados cansadas cansadisima"),
        ("triste", "triste tristes tristisimo"),
        ("feliz", "feliz felices"),
        ("encantador", "encantador encantadora encantadores encantadoras"),
        ("genial", "genial geniales"),
        ("rico", "rico ricas riquisimo"),
        ("largo", "larga larguisima"),
    ],
)
def test_an_adjective_takes_gender_number_and_superlative(word: str, forms: str) -> None:
    assert set(forms.split()) <= adjective(word)


@pytest.mark.parametrize(
    ("entry", "forms"),
    [
        (
            "llorar",
            "llorar lloro lloras llora lloramos lloran llore lloro lloraba llorando llorado lloraria llorarme",
        ),
        ("pegar", "pego pegue pegues pegaron"),
        ("abrazar", "abrazo abrace abraces abrazarte abrazandola"),
        ("criticar", "critico critique critican"),
        ("perder:pierd", "perder pierdo pierde perdi perdio perdido perdiendo perderlo"),
        ("sufrir", "sufro sufre sufri sufrio sufria sufriendo sufrire sufrida"),
    ],
)
def test_a_verb_takes_its_regular_forms_and_pronouns(entry: str, forms: str) -> None:
    assert set(forms.split()) <= verb(entry)
