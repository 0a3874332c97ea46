"""Sealing: any text comes back exactly, in its own place and under its own key, and nowhere else."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.store import sealing
from nura_rt.store.sealing import SealBroken

KEY = bytes(range(32))
SPOKEN_KEY = b"a-secret-of-32-bytes-to-look-for"
keys = st.binary(min_size=32, max_size=32)
anything = st.text(st.characters())  # NUL and lone surrogates too
words = st.one_of(anything, anything.map("enc1:".__add__), st.just(sealing.new_key().hex()))


class Place(msgspec.Struct, frozen=True):
    """Where a text stands."""

    table: str = "messages"
    field: str = "content"
    row_id: str = "row-1"
    person_id: str = "person-1"


places = st.builds(Place, anything, anything, anything, anything)
HOME = Place()


def sealed(text: str, place: Place = HOME, key: bytes = KEY) -> str:
    return sealing.seal(key, text, **msgspec.structs.asdict(place))


def opened(text: str, place: Place = HOME, key: bytes = KEY) -> str:
    return sealing.open_sealed(key, text, **msgspec.structs.asdict(place))


@given(words, places, keys)
def test_any_text_comes_back_exactly(text: str, place: Place, key: bytes) -> None:
    kept = sealed(text, place, key)

    assert opened(kept, place, key) == text


@given(words)
def test_a_sealed_text_is_known_as_one_and_is_plain_ascii(text: str) -> None:
    kept = sealed(text)

    assert sealing.is_sealed(kept)
    assert kept.isascii()
    assert kept.isprintable()


@pytest.mark.parametrize("text", ["", "enc1", "ENC1:", " enc1:", "enc2:abc", "I feel enc1:"])
def test_other_text_is_not_taken_for_sealed(text: str) -> None:
    assert not sealing.is_sealed(text)


def test_what_was_sealed_can_be_sealed_again() -> None:
    twice = sealed(sealed("words"))

    assert opened(opened(twice)) == "words"


def test_the_form_is_nonce_then_ciphertext_then_tag() -> None:
    kept = sealed("hello")

    assert len(base64.urlsafe_b64decode(kept.removeprefix("enc1:"))) == 12 + len("hello") + 16


def test_no_two_sealings_are_alike() -> None:
    nonces = {base64.urlsafe_b64decode(sealed("same")[5:])[:12] for _ in range(1000)}

    assert len(nonces) == 1000


@given(places, places)
def test_a_text_opens_in_no_other_place(home: Place, away: Place) -> None:
    kept = sealed("words", home)

    if away != home:
        with pytest.raises(SealBroken):
            opened(kept, away)


@pytest.mark.parametrize(
    "away",
    [
        Place(table="reflections"),
        Place(field="processed_content"),
        Place(row_id="row-2"),
        Place(person_id="person-2"),
        Place(table="messagesc", field="ontent"),  # the same letters, cut elsewhere
        Place(row_id="person-1", person_id="row-1"),
        Place(table="messages7:content", field=""),
    ],
)
def test_a_moved_text_stays_closed(away: Place) -> None:
    kept = sealed("words")

    with pytest.raises(SealBroken):
        opened(kept, away)


@given(keys, keys)
def test_another_key_does_not_open_it(key: bytes, other: bytes) -> None:
    kept = sealed("words", key=key)

    if other != key:
        with pytest.raises(SealBroken):
            opened(kept, key=other)


@given(st.text(max_size=40), st.data())
def test_any_flipped_bit_is_refused(text: str, data: st.DataObject) -> None:
    raw = bytearray(base64.urlsafe_b64decode(sealed(text)[5:]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(SealBroken):
        opened("enc1:" + base64.urlsafe_b64encode(raw).decode())


@given(st.text(max_size=40), st.characters(), st.data())
def test_any_changed_character_is_refused(text: str, character: str, data: st.DataObject) -> None:
    """Base64 has several spellings of the same bytes; only the one that was written opens."""
    kept = sealed(text)
    at = data.draw(st.integers(0, len(kept) - 1))

    if kept[at] != character:
        with pytest.raises(SealBroken):
            opened(kept[:at] + character + kept[at + 1 :])


@pytest.mark.parametrize("length", range(5))
def test_another_spelling_of_the_same_bytes_is_refused(length: int) -> None:
    kept = sealed("x" * length)
    spellings = [
        kept + "\n",
        kept + "=",
        kept + " ",
        kept.replace("enc1:", "enc1:="),
        kept[5:],
        kept.rstrip("="),
    ]

    for other in spellings:
        if other != kept:
            with pytest.raises(SealBroken):
                opened(other)


@given(st.one_of(anything, st.binary(max_size=64).map(lambda raw: base64.urlsafe_b64encode(raw).decode())))
def test_what_was_never_sealed_is_refused(text: str) -> None:
    for given_text in (text, "enc1:" + text):
        with pytest.raises(SealBroken):
            opened(given_text)


@given(keys, keys, anything)
def test_a_wrapped_key_comes_back(kek: bytes, key: bytes, person_id: str) -> None:
    wrapped = sealing.wrap(kek, key, person_id=person_id)

    assert len(wrapped) == 60
    assert key not in wrapped
    assert sealing.unwrap(kek, wrapped, person_id=person_id) == key


@given(st.integers(0, 59), st.integers(0, 7))
def test_a_changed_wrapping_is_refused(at: int, bit: int) -> None:
    wrapped = bytearray(sealing.wrap(KEY, sealing.new_key(), person_id="person-1"))
    wrapped[at] ^= 1 << bit

    with pytest.raises(SealBroken):
        sealing.unwrap(KEY, bytes(wrapped), person_id="person-1")


@pytest.mark.parametrize(("kek", "person_id"), [(KEY[::-1], "person-1"), (KEY, "person-2")])
def test_another_kek_or_person_does_not_unwrap(kek: bytes, person_id: str) -> None:
    wrapped = sealing.wrap(KEY, sealing.new_key(), person_id="person-1")

    with pytest.raises(SealBroken):
        sealing.unwrap(kek, wrapped, person_id=person_id)


def test_a_text_sealed_with_the_kek_is_no_wrapped_key() -> None:
    kept = sealing.seal(KEY, "k" * 32, table="", field="", row_id="", person_id="person-1")

    with pytest.raises(SealBroken):
        sealing.unwrap(KEY, base64.urlsafe_b64decode(kept[5:]), person_id="person-1")


@pytest.mark.parametrize("size", [0, 16, 24, 31, 33])
def test_only_keys_of_32_bytes_are_taken(size: int) -> None:
    """AES-GCM itself would take 16 and 24."""
    short = bytes(size)

    for attempt in (
        lambda: sealed("x", key=short),
        lambda: opened(sealed("x"), key=short),
        lambda: sealing.wrap(KEY, short, person_id="p"),
        lambda: sealing.wrap(short, KEY, person_id="p"),
    ):
        with pytest.raises(ValueError, match=r"^a key is 32 bytes$"):
            attempt()


@pytest.mark.parametrize("text", ["enc1:my-secret-words", "my-secret-wörds", "enc1:my-secret-words-in-base"])
def test_a_refusal_holds_neither_content_nor_key(text: str) -> None:
    with pytest.raises(SealBroken) as refused:
        opened(text, key=SPOKEN_KEY)

    error: BaseException | None = refused.value
    while error is not None:  # a log may print the causes too
        assert "secret" not in repr((error, error.args, vars(error)))
        error = error.__context__
