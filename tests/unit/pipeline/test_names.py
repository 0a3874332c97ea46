"""Names are found behind introductions and by common given names; ordinary words stay."""

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("my name is xiulan okoro btw", ["xiulan okoro"]),
        ("My name is Ana Maria Ruiz", ["Ana Maria Ruiz"]),
        ("Name's Caoimhe O'Rourke, I'm new", ["Caoimhe O'Rourke"]),
        ("my name is mark and i", ["mark"]),
        ("me llamo Lucía Fernández", ["Lucía Fernández"]),
        ("me dicen chelo pero mi nombre es consuelo ibarra", ["chelo", "consuelo ibarra"]),
        ("you can call me xiu, its short for xiulan", ["xiu", "xiulan"]),
        ("text my sister xiulan on monday", ["xiulan"]),
        ("my two year old son idris is ill", ["idris"]),
        ("my best friend's brother tomas said", ["tomas"]),
        ("my best friend Tom and my boss Mr. Gray", ["Tom", "Gray"]),
        ("my friends Ana, Bob and Zuri came", ["Ana", "Bob", "Zuri"]),
        ("mi hermana mayor, Noelia, y mi primo iker", ["Noelia", "iker"]),
        ("Zuri, my sister, and Idris (my ex) left", ["Zuri", "Idris"]),
        ("Zuri is my therapist", ["Zuri"]),
        ("my sister Hope is here", ["Hope"]),
        ("MY SISTER XIULAN LEFT", ["XIULAN"]),
        ("my mom\nZuri", ["Zuri"]),
        ("saw dr meenakshi pillai today", ["meenakshi pillai"]),
        ("Dr. Sáenz-Whitaker and dra. villaseca", ["Sáenz-Whitaker", "villaseca"]),
        ("my therapist is called zuri and", ["zuri"]),
        ("a girl named zuri", ["zuri"]),
        ("mi psicóloga se llama Begoña Urrutia y", ["Begoña Urrutia"]),
        ("im jonas btw", ["jonas"]),
        ("hey, im thandiwe and i cant sleep", ["thandiwe"]),
        ("I'm Tom Baker.", ["Tom Baker"]),
        ("this is imelda again", ["imelda"]),
        ("thandiwe here, cant sleep", ["thandiwe"]),
        ("Hi Zuri! How are you", ["Zuri"]),
        ("Love,\nIngrid", ["Ingrid"]),
        ("i broke up with thandiwe", ["thandiwe"]),
        ("I told Thandiwe about Zuri", ["Thandiwe"]),
        ("i think Thandiwe hates me", ["Thandiwe"]),
        ("Name: XIULAN OKORO", ["XIULAN OKORO"]),
        ("i was at sarah's place", ["sarah"]),
        ("my friend Ludwig van Beethoven and", ["Ludwig van Beethoven"]),
        ("meine schwester Annika ist weg", ["Annika"]),
    ],
)
def test_a_name_is_found(pii: PiiFilter, text: str, names: list[str]) -> None:
    spans = pii.find(text)

    assert [text[span.start : span.end] for span in spans] == names


@pytest.mark.parametrize(
    "text",
    [
        "my sister is here, my mom always yells",
        "my boss Never listens and my mom Constantly says",
        "me and my brother Hope so much",
        "my mom micromanages, my ex ghosted me, my dad won't talk",
        "my brother will come, my sister may too",
        "mi hermana siempre dice, mi ex publicó fotos",
        "im tired, im exausted and i cant sleep",
        "I'm Fine. I am American. I'm Running late",
        "this is Hell, this is Monday",
        "dr appointment tomorrow, i miss him",
        "i'm called stupid every day, call me back asap",
        "my mom called yesterday",
        "my dog's name is Rex, an app called Calm",
        "Christmas is my favourite, Music is my therapist",
        "Hi Nura, hey everyone, dear diary",
        "thanks, love you",
        "Grace is what I need, faith and joy",
        "April was brutal, May was worse",
        "San Diego and St. Patrick's day",
        "im Büro sitze ich allein",
        "name calling, the name zorp sounds odd",
        "everyone told me to rest and i said no",
    ],
)
def test_its_twin_stays(pii: PiiFilter, text: str) -> None:
    assert pii.find(text) == ()
