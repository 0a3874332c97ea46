"""Judges a run: a pure function of what was seen (history) and what PostgreSQL holds at the end (dump).

Every rule is a promise of the design; an empty list means that none was broken where anybody looked.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

import notices
import views
from history import Event, Row
from verdict import Case, Violation

Rule = Callable[[Case], Iterator[Violation]]
_DEAF = ("redis-", "both-stores-", "kill-and-black-hole")  # faults of the bus
_BUS_BACK_WITHIN_S = 5.0
_SEEN = ("deliver", "gap", "removed", "trimmed", "join")


def check(history: Sequence[Event], dump: Sequence[Row], *, within_s: float = 10.0) -> list[Violation]:
    """Every promise that this run broke. `within_s`: how soon after the last healing views must be whole."""
    case = Case.of(history, dump, within_s)
    return [violation for rule in RULES for violation in rule(case)]


def acked_is_stored(case: Case) -> Iterator[Violation]:
    """Ack = committed: what was acknowledged is there, in that place, or stood there until it was removed."""
    for ack in case.of_kind("ack"):
        kept = case.kept.get((ack.conversation, ack.client_id))
        if kept is None:
            yield Violation(
                "acked-lost", f"{_name(ack)} was acknowledged with seq {ack.seq} and is not there"
            )
        elif kept.seq != ack.seq or (kept.message_id and kept.message_id != ack.message_id):
            told = f"seq {ack.seq} ({ack.message_id})"
            yield Violation("acked-elsewhere", f"{_name(ack)} was told {told}, it is {_where(kept)}")


def one_row_each(case: Case) -> Iterator[Violation]:
    """Exactly once: a client_id names one row of its conversation, replies too."""
    named = Counter((row.conversation, row.client_id) for row in case.rows("message", "removed"))
    for (conversation, client_id), count in named.items():
        if count > 1:
            yield Violation("doubled", f"{client_id} in {conversation} is there {count} times")


def dense(case: Case) -> Iterator[Violation]:
    """Messages, removed ones, removals and trims together are 1..n, each once, and n is the head."""
    for conversation in case.conversations():
        taken = Counter(row.seq for row in case.log(conversation))
        trimmed = case.trimmed_below(conversation)
        heads = [row.seq for row in case.rows("head") if row.conversation == conversation]
        last = max([*taken, *heads], default=0)
        missing = [seq for seq in range(1, last + 1) if seq not in taken and seq >= trimmed]
        if missing:
            yield Violation("seq-hole", f"{conversation} has no {_few(missing)} of 1..{last}")
        twice = [seq for seq, count in taken.items() if count > 1]
        if twice:
            yield Violation("seq-twice", f"{conversation} has {_few(sorted(twice))} more than once")
        if heads != [max(taken, default=0)]:
            yield Violation("head", f"{conversation} says its head is {heads}, it is {max(taken, default=0)}")


def real_time_order(case: Case) -> Iterator[Violation]:
    """Who is sent after another was acknowledged stands behind it, whoever sent it through whichever instance."""
    highest: dict[str, int] = {}
    begun: set[tuple[str, str]] = set()
    for event in case.history:
        if event.kind == "ack":
            highest[event.conversation] = max(highest.get(event.conversation, 0), event.seq)
        elif event.kind == "invoke" and (event.conversation, event.client_id) not in begun:
            begun.add((event.conversation, event.client_id))
            kept = case.kept.get((event.conversation, event.client_id))
            before = highest.get(event.conversation, 0)
            if kept is not None and kept.seq <= before:
                yield Violation(
                    "order", f"{_name(event)} was sent after seq {before} was told, it is {kept.seq}"
                )


def one_answer(case: Case) -> Iterator[Violation]:
    """All acks of a client_id say the same, and at most one of them that it was the first."""
    acks: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for ack in case.of_kind("ack"):
        acks[ack.conversation, ack.client_id].append(ack)
    for told in acks.values():
        if len({(ack.seq, ack.message_id) for ack in told}) > 1:
            yield Violation("two-answers", f"{_name(told[0])} was told {sorted({ack.seq for ack in told})}")
        if sum(not ack.again for ack in told) > 1:
            yield Violation("first-twice", f"{_name(told[0])} was told more than once that it is new")


def refused_is_not_stored(case: Case) -> Iterator[Violation]:
    """A definite refusal is definite, and is given only to what deserves it."""
    bad = {(event.conversation, event.client_id) for event in case.of_kind("invoke") if event.bad}
    stored = {row.client_id for row in case.rows("message", "removed")}
    for refuse in case.of_kind("refuse"):
        if refuse.client_id in stored:
            yield Violation("refused-stored", f"{_name(refuse)} was refused ({refuse.what}) and is there")
        if (refuse.conversation, refuse.client_id) not in bad:
            yield Violation("refused-good", f"{_name(refuse)} was refused for good: {refuse.what}")
    for ack in case.of_kind("ack"):
        if (ack.conversation, ack.client_id) in bad:
            yield Violation("taken-bad", f"{_name(ack)} should have been refused")


def own_frames(case: Case) -> Iterator[Violation]:
    """Nobody sees what is another person's."""
    for event in case.history:
        if event.kind == "foreign":
            yield Violation("foreign", f"{event.client} of {event.person} got a {event.what} of another's")
        elif event.kind in _SEEN and case.owner.get(event.conversation) != event.person:
            yield Violation("foreign", f"{event.client} of {event.person} got {_name(event)}")


def removed_stays_removed(case: Case) -> Iterator[Violation]:
    """Who joins after a removal was confirmed never gets its text.

    Without the bus another instance hears of it within a second, so for that time it may come, and go again.
    """
    deaf = [(began, over + _BUS_BACK_WITHIN_S) for began, over in case.troubles(*_DEAF)]
    gone: dict[tuple[str, int], float] = {}
    for event in case.of_kind("remove_ack"):
        gone.setdefault((event.conversation, event.seq), event.t)
        if (event.conversation, event.seq) not in case.removed:
            yield Violation("unremoved", f"{_name(event)} was removed, and no tombstone says so")
    joined: dict[tuple[str, str], float] = {}
    for event in case.history:
        if event.kind == "join":
            joined[event.client, event.conversation] = event.t
        elif event.kind == "deliver":
            since = joined.get((event.client, event.conversation), 0.0)
            is_known = not any(began <= since <= over for began, over in deaf)
            if is_known and since > gone.get((event.conversation, event.seq), float("inf")):
                yield Violation("removed-shown", f"{event.client} got {_name(event)}, which had been removed")


def _name(event: Event) -> str:
    return " ".join(
        part for part in (event.conversation, event.client_id, str(event.seq or ""), event.client) if part
    )


def _where(row: Row) -> str:
    return f"seq {row.seq} ({row.message_id}, {row.kind})"


def _few(seqs: Sequence[int]) -> str:
    return f"{list(seqs[:8])}{' ...' if len(seqs) > 8 else ''}"


RULES: tuple[Rule, ...] = (
    acked_is_stored,
    one_row_each,
    dense,
    real_time_order,
    one_answer,
    refused_is_not_stored,
    own_frames,
    removed_stays_removed,
    views.gapless,
    views.converged,
    notices.told,
    notices.taken_back,
)
