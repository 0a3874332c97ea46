"""What each subscriber saw of each conversation: 1..n in order, nothing twice, nothing silently left out."""

from collections.abc import Iterator

from history import Event, Row
from verdict import Case, Violation

_Key = tuple[str, str]  # client, conversation
_ENTRIES = ("deliver", "removed", "trimmed")


def gapless(case: Case) -> Iterator[Violation]:
    """Every view is a gapless prefix in the order of PostgreSQL; what is left out was said aloud and is true."""
    for event in case.of_kind("skip"):
        yield Violation("server-hole", f"{_told(event)}: the server left out what is before it")
    for event in case.of_kind("repeat"):
        yield Violation("server-repeat", f"{_told(event)}: the server had said it on this subscription")
    places = {(row.conversation, row.seq): row for row in case.dump if row.kind not in ("head", "notice")}
    reached: dict[_Key, int] = {}
    for event in case.history:
        key = (event.client, event.conversation)
        last = reached.get(key, 0)
        if event.kind in _ENTRIES:
            if event.seq <= last:
                yield Violation("view-twice", f"{_told(event)}: it was at {last}")
            elif event.seq > last + 1:
                yield Violation("view-gap", f"{_told(event)}: it was at {last}")
            yield from _same(event, places.get((event.conversation, event.seq)))
            reached[key] = max(last, event.seq)
        elif (
            event.kind == "gap" and event.what != "lost"
        ):  # what is lost is read over REST: nothing is covered
            if event.seq > last + 1:
                yield Violation("view-gap", f"{_told(event)}..{event.to}: it was at {last}")
            for seq in range(max(last + 1, event.seq), event.to + 1):
                row = places.get((event.conversation, seq))
                if not _is_gone(case, event, seq, row):
                    yield Violation("false-gap", f"{_told(event)}: {seq} is there ({event.what})")
            reached[key] = max(last, event.to)


def converged(case: Case) -> Iterator[Violation]:
    """Every view reaches the head in time: `within_s` after the commit or the last healing, what is later."""
    covered = _covered(case)
    quiet = max((event.t for event in case.of_kind("quiet")), default=float("inf"))
    healed = case.last_heal()
    for key in sorted({(event.client, event.conversation) for event in case.of_kind("join")}):
        spans = covered.get(key, [])
        at = 0
        for row in sorted(case.log(key[1]), key=lambda row: row.seq):
            if row.t > quiet:
                continue  # nobody waited for it
            while at < len(spans) and spans[at][0] < row.seq:
                at += 1
            if at == len(spans):
                yield Violation("not-converged", f"{key[0]} never got {key[1]} {row.seq}")
                break
            late_s = spans[at][1] - max(row.t, healed) - case.within_s
            if late_s > 0:
                yield Violation("late", f"{key[0]} got {key[1]} {row.seq} {late_s:.1f} s too late")
                break


def slowest_s(case: Case) -> float:
    """How long after the last healing (or the commit, when later) the last view was whole."""
    healed = case.last_heal()
    worst = 0.0
    for (_, conversation), spans in _covered(case).items():
        at = 0
        for row in sorted(case.log(conversation), key=lambda row: row.seq):
            while at < len(spans) and spans[at][0] < row.seq:
                at += 1
            if at < len(spans):
                worst = max(worst, spans[at][1] - max(row.t, healed))
    return worst


def _covered(case: Case) -> dict[_Key, list[tuple[int, float]]]:
    """(seq, when the view had reached it), ascending, by client and conversation."""
    spans: dict[_Key, list[tuple[int, float]]] = {}
    for event in case.history:
        if event.kind in _ENTRIES or (event.kind == "gap" and event.what != "lost"):
            reached = spans.setdefault((event.client, event.conversation), [])
            seq = event.to if event.kind == "gap" else event.seq
            if not reached or seq > reached[-1][0]:
                reached.append((seq, event.t))
    return spans


def _same(event: Event, row: Row | None) -> Iterator[Violation]:
    """Is what was shown in this place what PostgreSQL has there?"""
    if row is None:
        yield Violation("view-made-up", f"{_told(event)}: PostgreSQL has nothing there")
    elif event.kind == "deliver":
        known = {"message_id": event.message_id, "client_id": event.client_id}
        differs = [name for name, value in known.items() if value and value != (getattr(row, name) or value)]
        if row.kind not in ("message", "removed") or differs:
            yield Violation(
                "view-differs", f"{_told(event)}: PostgreSQL has a {row.kind} {row.message_id} there"
            )
    else:
        kind = {"removed": "tombstone", "trimmed": "trim"}[event.kind]
        if row.kind != kind or row.about != event.about:
            yield Violation(
                "view-differs", f"{_told(event)}: PostgreSQL has {row.kind} about {row.about} there"
            )


def _is_gone(case: Case, event: Event, seq: int, row: Row | None) -> bool:
    """May a client leave out this seq? A page over REST has messages alone, so there a removal is left out too."""
    if row is None or seq < case.trimmed_below(event.conversation):
        return seq < case.trimmed_below(event.conversation)
    return row.kind == "removed" or (event.what == "page" and row.kind in ("tombstone", "trim"))


def _told(event: Event) -> str:
    return f"{event.client} got {event.kind} {event.seq} of {event.conversation}"
