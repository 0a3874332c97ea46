"""schemathesis over a running instance with a real token: whatever is sent, the answer is one the document tells of."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from nura_rt.embedded.stack import Addresses
from openapi_picture import GOLDEN
from servers import RAISED, Instance, environ_of, token

pytestmark = pytest.mark.slow

DOCUMENT: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))  # true to the instance: see test_openapi.py
POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
REQUESTS = [
    (path, method, mode)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    for mode in (POSITIVE, NEGATIVE)
    if mode is POSITIVE or operation["parameters"] or "requestBody" in operation  # else nothing can be wrong
]
# what breaks the schema is refused with one of these; 413 where it is so large that nobody reads it
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]
CONFIG = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSED}}})
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.fixture(scope="module")
def hurried(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """An instance of its own with raised rates: a fuzzer does not wait."""
    (folder / "fuzz").mkdir()
    rates = {**RAISED, "LIMIT_FRAMES_PER_S": "100000", "LIMIT_FRAME_BURST": "1000000"}
    one = Instance(folder / "fuzz", {**environ_of(stores), **rates}).start()
    yield one
    one.stop()


@pytest.mark.parametrize(("path", "method", "mode"), REQUESTS, ids=str)
def test_every_answer_is_one_the_document_tells_of(
    hurried: Instance, path: str, method: str, mode: GenerationMode
) -> None:
    operation = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)[path][method.upper()]
    checks = CHECKS if mode is POSITIVE else [*CHECKS, negative_data_rejection]
    headers = {"Authorization": f"Bearer {token('fuzzer')}"}
    parameters = DOCUMENT["paths"][path][method]["parameters"]
    known = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}

    @effort(
        max_examples=15,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def sent(case: schemathesis.Case[Any]) -> None:
        stray = (
            set(case.query or ()) - known
        )  # a parameter nobody knows is ignored, so it may be answered 200
        case.call_and_validate(base_url=hurried.url, headers=headers, checks=CHECKS if stray else checks)

    sent()
