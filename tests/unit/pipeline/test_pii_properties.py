"""What holds for every text: spans lie in it, redaction is idempotent, cannot be forged, and comes back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from nura_rt.pipeline.pii.filter import PiiFilter
from nura_rt.pipeline.pii.known import KnownNames
from nura_rt.pipeline.placeholders import LIKE_A_TOKEN, Placeholders, escaped

PII = PiiFilter.load()
KNOWN = KnownNames.of(["Xiulan Okoro", "Hope", "May"])

WORDS = """
my name is ana Ana Ruiz sister dr Dr. im I'm call 415 555 0132 4155550132 1 2 3 12/05/1990 born dob
a@b.co @ana # . , ; - ( ) / : www.x.org/a http://a.b/c https://bbc.co.uk 12 oak street road nhs
number account 12345 iban card ssn DE89370400440532013000 4111111111111111 123-45-6789 <PERSON_1>
<PHONE_2> <PER SON_1> \u2039PERSON_1\u203a 192.168.1.1 and is Hope hope Will May the at dot com
gmail.com zip 74107 OK insta ana_r9 é ñ \u200b \u2019 10 calle mayor Bob here x Carla friends Love,
58804333A $ mg pin 4821 four five six seven eight nine xiulan told me said
"""
pieces = st.sampled_from(WORDS.split())
spaces = st.sampled_from(["", " ", " ", " ", "\n"])
messages = st.lists(st.tuples(pieces, spaces), max_size=16).map(
    lambda parts: "".join(word + space for word, space in parts)
)
anything = st.text(st.characters(exclude_categories=[]), max_size=120)
digits = st.text("0123456789", min_size=7, max_size=16)
emails = st.from_regex(r"[a-z][a-z0-9.]{1,10}[a-z]@[a-z]{2,8}\.(com|org|es)", fullmatch=True)
calm = st.sampled_from(["hello", "I", "feel", "low", "today.", "me", "at:", "(maybe)", "my", "son,", "3"])


@given(messages | anything)
@settings(deadline=None)
def test_spans_lie_in_the_text_in_order(text: str) -> None:
    spans = PII.find(text, KNOWN)

    ends = [0, *(span.end for span in spans)]
    assert all(end <= span.start < span.end for end, span in zip(ends, spans, strict=False))
    assert ends[-1] <= len(text)


@given(messages | anything)
@settings(deadline=None)
def test_nothing_is_left_to_find_in_a_redacted_text(text: str) -> None:
    redacted = PII.redact(text, PII.find(text, KNOWN))

    assert PII.find(redacted, KNOWN) == ()
    assert escaped(PII.redact(redacted, ())) == escaped(redacted)


@given(messages | anything)
@settings(deadline=None)
def test_only_what_was_found_is_a_placeholder(text: str) -> None:
    spans = PII.find(text, KNOWN)
    placeholders = Placeholders()

    redacted = PII.redact(text, spans, placeholders)

    found = [token for token in LIKE_A_TOKEN.findall(redacted) if token.startswith("<")]
    assert len(found) == len(spans)
    assert set(found) == {
        f"<{kind}_{place + 1}>"
        for kind, values in placeholders.to_builtins().items()
        for place in range(len(values))
    }


@given(messages | anything)
@settings(deadline=None)
def test_what_was_taken_out_comes_back_as_it_was_first_written(text: str) -> None:
    spans = PII.find(text, KNOWN)
    placeholders = Placeholders()

    restored = placeholders.restore(PII.redact(text, spans, placeholders))

    expected, end = "", 0
    for span in spans:
        value = placeholders.restore(placeholders.assign(span.type, text[span.start : span.end]))
        expected += escaped(text[end : span.start]) + value
        end = span.end
    assert restored == expected + escaped(text[end:])


@given(
    values=st.lists(digits | emails, min_size=1, max_size=3), around=st.lists(calm, min_size=4, max_size=12)
)
@settings(deadline=None)
def test_no_number_and_no_address_survives(values: list[str], around: list[str]) -> None:
    text = " ".join(part for place, word in enumerate(around) for part in (word, *values[place : place + 1]))

    redacted = PII.redact(text, PII.find(text))

    assert [value for value in values if value in redacted] == []


@given(st.lists(messages, min_size=2, max_size=4))
@settings(deadline=None)
def test_placeholders_of_a_conversation_grow_only(texts: list[str]) -> None:
    placeholders = Placeholders()
    redacted = []
    for text in texts:
        before = placeholders.to_builtins()
        redacted.append(PII.redact(text, PII.find(text), placeholders))
        after = placeholders.to_builtins()
        assert all(after[kind][: len(values)] == values for kind, values in before.items())

    again = [PII.redact(text, PII.find(text), placeholders) for text in texts]

    assert again == redacted
