"""POST /v1/privacy/detect-pii: what of a text would be kept from others. Nothing of it is kept.

People in need write anywhere: the text is screened like any other, and what worries us is kept as an event.
"""

import logging
import uuid
from collections import Counter
from typing import Annotated, Any

import asyncpg
import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from nura_rt.auth.bearer import bearer
from nura_rt.auth.identify import Identify
from nura_rt.conversation.words import Words
from nura_rt.pipeline.detectors.port import Detector, DetectorFailed, added
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.pipeline.turn import PiiSpan
from nura_rt.protocol.problem import Refusal
from nura_rt.protocol.server import Support
from nura_rt.realtime.pace import Pace
from nura_rt.store.pool import as_person

_log = logging.getLogger(__name__)

Text = Annotated[
    str,
    Meta(min_length=1, max_length=8_000, examples=["my sister Ana lives at 12 Hill Street, call 555 0199"]),
]


class DetectPii(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`thorough`: ask the optional detector too, where one is configured; that takes longer."""

    text: Text
    thorough: bool = False


class Personal(msgspec.Struct, frozen=True):
    """One detected value: half-open range of code points of the text."""

    type: str
    start: int
    end: int


class Detected(msgspec.Struct, frozen=True, omit_defaults=True):
    """`processed`: the text as others would see it. `thorough`: whether the optional detector was heard."""

    pii: list[Personal]
    counts: dict[str, int]
    processed: str
    thorough: bool
    support: Support | None = None


def privacy_routes(
    door: asyncpg.Pool,
    identify: Identify,
    pipeline: Pipeline,
    words: Words,
    pace: Pace,
    detector: Detector | None,
) -> list[HTTPRouteHandler]:
    """The route, for who is signed in; `pace` is the person's own."""

    @post(
        "/v1/privacy/detect-pii",
        tags=["Privacy"],
        status_code=200,
        summary="See what is personal in a text",
        description="What would be replaced before the text leaves the house. The text is not kept; it is screened "
        "for distress like any words. `thorough` also asks a slower detector, where one is configured.",
        opt={"refusals": (429, 503)},
    )
    async def detect_pii(request: Request[Any, Any, Any], data: DetectPii) -> Detected:
        person_id = (await bearer(request, identify)).user_id
        pace.take(person_id)
        support = await _screen(door, words, person_id, data.text)
        screened = pipeline.screen(data.text)
        found = await _asked(detector, data.text) if data.thorough else None
        spans = screened.pii if found is None else added(screened.pii, found)
        return Detected(
            pii=[Personal(span.type, span.start, span.end) for span in spans],
            counts=dict(Counter(span.type for span in spans)),
            processed=screened.processed if found is None else pipeline.redact(data.text, spans),
            thorough=found is not None,
            support=support,
        )

    return [detect_pii]


async def _screen(door: asyncpg.Pool, words: Words, person_id: str, text: str) -> Support | None:
    found = words.screen({"privacy": text})
    cause_id = str(uuid.uuid4())
    card = words.show(found, person_id=person_id, conversation_id=None, cause_id=cause_id)
    if card is not None:
        async with as_person(door, person_id) as conn:
            await words.keep(conn, found, person_id=person_id, conversation_id=None, cause_id=cause_id)
    return card


async def _asked(detector: Detector | None, text: str) -> tuple[PiiSpan, ...] | None:
    """None where there is no such detector."""
    if detector is None:
        return None
    try:
        return await detector.find(text)
    except DetectorFailed as error:
        _log.warning("privacy: %s", error)
        raise Refusal(
            503, "detector-failed", "the thorough detector does not answer; ask without it"
        ) from None
