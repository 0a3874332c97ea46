"""Headers that change what a request means."""

import pytest

from nura_rt.protocol import headers
from nura_rt.protocol.problem import Refusal


@pytest.mark.parametrize("key", ["a", "A-b_9", "x" * 64])
def test_a_good_key_is_the_client_id(key: str) -> None:
    assert headers.idempotency_key({"idempotency-key": key}) == key


@pytest.mark.parametrize(
    "given", [{}, {"idempotency-key": ""}, {"idempotency-key": "a\n"}, {"idempotency-key": "ä"}]
)
def test_without_a_good_key_nothing_is_made(given: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        headers.idempotency_key(given)

    assert (refused.value.problem.status, refused.value.problem.field) == (400, "Idempotency-Key")


@pytest.mark.parametrize(
    ("given", "strict"),
    [({}, False), ({"if-match": '"t"'}, True), ({"if-match": '"s", "t"'}, True), ({"if-match": "*"}, True)],
)
def test_a_change_over_what_was_read_goes_on(given: dict[str, str], strict: bool) -> None:
    assert headers.require_match(given, '"t"') is strict


@pytest.mark.parametrize("given", ['"s"', 'W/"t"', "t", ""])
def test_a_change_over_something_else_is_refused(given: str) -> None:
    with pytest.raises(Refusal) as refused:
        headers.require_match({"if-match": given}, '"t"')

    assert (refused.value.problem.status, refused.value.problem.field) == (412, "If-Match")
