"""Support cards: kept with their cause, told to every device until somebody takes note, and never after that."""

from collections.abc import Iterator

from history import Event
from verdict import Case, Violation

_TOLD_WITHIN_S = 10.0
_ON_ITS_WAY_S = 1.0  # a card read just before it was taken back may still arrive


def told(case: Case) -> Iterator[Violation]:
    """Each acknowledged cause has its card, and every connection that lasted long enough has heard of it."""
    cards = {row.notice_id: row for row in case.rows("notice")}
    heard = _first_heard(case)
    taken = _first(case, "ack_notice")
    sockets = list(_sockets(case))
    troubles = sorted(case.troubles())
    for ack in _causes(case):
        notice_id = f"support-{ack.message_id}"
        person = case.owner[ack.conversation]
        if notice_id not in cards:
            yield Violation("notice-lost", f"{ack.client_id} was acknowledged and has no card")
            continue
        until = taken.get(notice_id, float("inf"))
        for client, whose, began, ended in sockets:
            if whose != person:
                continue
            deadline = _calm_since(troubles, max(began, ack.t)) + _TOLD_WITHIN_S
            if deadline < min(ended, until) and heard.get((client, notice_id), float("inf")) > deadline:
                yield Violation("notice-untold", f"{client} was not told {notice_id} in time")


def taken_back(case: Case) -> Iterator[Violation]:
    """A connection begun after a card was taken note of does not hear it; a card nobody noted is not taken back."""
    cards = {row.notice_id: row for row in case.rows("notice")}
    asked = {event.notice_id for event in case.of_kind("ack_notice")}
    began: dict[str, float] = {}
    for event in case.history:
        if event.kind == "connect":
            began[event.client] = event.t
        elif event.kind == "notice":
            card = cards.get(event.notice_id)
            if card and card.acked and began.get(event.client, 0.0) > card.acked + _ON_ITS_WAY_S:
                yield Violation("notice-again", f"{event.client} heard {event.notice_id} after it was noted")
    for card in cards.values():
        if card.acked and card.notice_id not in asked:
            yield Violation("notice-vanished", f"{card.notice_id} was noted by nobody")


def _causes(case: Case) -> Iterator[Event]:
    """The first acknowledgement of each send that should bring a card."""
    crisis = {(event.conversation, event.client_id) for event in case.of_kind("invoke") if event.crisis}
    for ack in case.of_kind("ack"):
        if (ack.conversation, ack.client_id) in crisis:
            crisis.discard((ack.conversation, ack.client_id))
            yield ack


def _first_heard(case: Case) -> dict[tuple[str, str], float]:
    heard: dict[tuple[str, str], float] = {}
    for event in case.of_kind("notice"):
        heard.setdefault((event.client, event.notice_id), event.t)
    return heard


def _first(case: Case, kind: str) -> dict[str, float]:
    moments: dict[str, float] = {}
    for event in case.of_kind(kind):
        moments.setdefault(event.notice_id, event.t)
    return moments


def _sockets(case: Case) -> Iterator[tuple[str, str, float, float]]:
    """(client, person, began, ended) of every socket that was welcomed."""
    open_: dict[str, Event] = {}
    for event in case.history:
        if event.kind in ("connect", "disconnect") and (before := open_.pop(event.client, None)):
            yield before.client, before.person, before.t, event.t
        if event.kind == "connect":
            open_[event.client] = event
    end = max((event.t for event in case.of_kind("end")), default=0.0)
    for event in open_.values():
        yield event.client, event.person, event.t, end


def _calm_since(troubles: list[tuple[float, float]], t: float) -> float:
    """The first moment from `t` on at which the trouble of that time, and what overlaps it, was over."""
    for began, over in troubles:
        if began <= t + _TOLD_WITHIN_S and over > t:
            t = over
    return t
