"""Ways to break a promise in the record of a run, each with the rule that must find it."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from history import Event, Row
from msgspec.structs import replace
from synthetic import Pretend

Change = Callable[[Pretend], None]


def row(run: Pretend, kind: str, **fields: Any) -> int:
    """Where the last row of this kind with these fields stands."""
    return [
        at
        for at, each in enumerate(run.rows)
        if each.kind == kind and all(getattr(each, name) == value for name, value in fields.items())
    ][-1]


def change(run: Pretend, at: int, **fields: Any) -> None:
    run.events[at] = replace(run.events[at], **fields)


def an_ack(run: Pretend) -> Event:
    """The last acknowledgement of something that still stands."""
    standing = {each.client_id for each in run.rows if each.kind == "message"}
    return [event for event in run.events if event.kind == "ack" and event.client_id in standing][-1]


def kept(run: Pretend) -> Row:
    """Its row."""
    return run.rows[row(run, "message", client_id=an_ack(run).client_id)]


def lose_an_acked_row(run: Pretend) -> None:
    run.rows.remove(kept(run))


def lose_the_last_acked_row_and_close_the_hole(run: Pretend) -> None:
    lost = kept(run)
    run.rows[:] = [
        replace(each, seq=each.seq - 1) if each.conversation == lost.conversation and each.seq > lost.seq else each
        for each in run.rows
        if each is not lost
    ]  # fmt: skip


def store_one_twice(run: Pretend) -> None:
    head = row(run, "head", conversation=kept(run).conversation)
    run.rows[head] = replace(run.rows[head], seq=run.rows[head].seq + 1)
    run.rows.append(replace(kept(run), seq=run.rows[head].seq, message_id="another"))


def leave_a_hole(run: Pretend) -> None:
    reply = next(each for each in run.rows if each.client_id.startswith("reply:"))
    run.rows.remove(reply)


def give_a_seq_twice(run: Pretend) -> None:
    run.rows.append(replace(kept(run), client_id="other", message_id="other"))


def forget_the_head(run: Pretend) -> None:
    head = row(run, "head")
    run.rows[head] = replace(run.rows[head], seq=run.rows[head].seq - 1)


def swap_two(run: Pretend) -> None:
    one = kept(run)
    other = next(
        each
        for each in run.rows
        if each.kind == "message"
        and each.conversation == one.conversation
        and each.seq < one.seq - 1
        and not each.client_id.startswith("reply:")
    )
    swapped = {one.client_id: other.seq, other.client_id: one.seq}
    for at, each in enumerate(run.rows):
        if each in (one, other):
            run.rows[at] = replace(each, seq=swapped[each.client_id])
    for at, event in enumerate(run.events):
        if event.client_id in swapped and event.kind in ("ack", "deliver"):
            change(run, at, seq=swapped[event.client_id])


def tell_two_seqs(run: Pretend) -> None:
    told = an_ack(run)
    run.events.append(replace(told, seq=told.seq + 1, again=True))


def tell_another_place(run: Pretend) -> None:
    told = an_ack(run)
    change(run, run.events.index(told), seq=told.seq + 1)


def tell_twice_that_it_is_new(run: Pretend) -> None:
    told = next(event for event in run.events if event.kind == "ack" and not event.again)
    run.events.append(told)


def skip_one_for_a_subscriber(run: Pretend) -> None:
    del run.events[run.index("deliver", client="ada-left", conversation=an_ada_conversation(run))]


def an_ada_conversation(run: Pretend) -> str:
    return run.events[run.index("deliver", client="ada-left")].conversation


def skip_amid(run: Pretend) -> None:
    seen = [
        at for at, event in enumerate(run.events) if (event.kind, event.client) == ("deliver", "ada-left")
    ]
    del run.events[seen[0]]


def repeat_for_a_subscriber(run: Pretend) -> None:
    at = run.index("deliver", client="ada-left")
    run.events.insert(at + 1, run.events[at])


def show_it_in_another_order(run: Pretend) -> None:
    seen = [
        at for at, event in enumerate(run.events) if (event.kind, event.client) == ("deliver", "ada-left")
    ]
    pairs = (
        (one, other)
        for one, other in pairwise(seen)
        if run.events[one].conversation == run.events[other].conversation
    )
    one, other = next(pairs)
    run.events[one], run.events[other] = run.events[other], run.events[one]


def show_other_words(run: Pretend) -> None:
    change(run, run.index("deliver", client="ben-right"), message_id="another")


def call_a_stored_one_gone(run: Pretend) -> None:
    at = run.index("deliver", client="ben-right")
    event = run.events[at]
    change(run, at, kind="gap", to=event.seq, what="removed", message_id="", client_id="")


def show_anothers_message(run: Pretend) -> None:
    event = run.events[run.index("deliver", client="ada-left")]
    run.events.append(replace(event, client="ben-left", person="ben"))


def tell_of_anothers_reply(run: Pretend) -> None:
    run.events.append(replace(run.events[-1], kind="foreign", client="ben-left", what="reply.started"))


def store_a_refused_one(run: Pretend) -> None:
    head = row(run, "head", conversation="ada-0")
    run.rows[head] = replace(run.rows[head], seq=run.rows[head].seq + 1)
    refused = run.events[run.index("refuse")].client_id
    run.rows.append(
        Row(kind="message", conversation="ada-0", seq=run.rows[head].seq, client_id=refused, t=9e9)
    )


def refuse_a_good_one(run: Pretend) -> None:
    run.events.append(replace(an_ack(run), kind="refuse", what="not_found", client_id="never-kept"))


def take_a_bad_one(run: Pretend) -> None:
    at = run.index("invoke", client_id=an_ack(run).client_id)
    change(run, at, bad=True)


def be_late(run: Pretend) -> None:
    at = run.index("deliver", client="ada-right")
    late = run.events.pop(at)
    healed = run.events[run.index("heal")].t
    quiet = run.index("quiet")
    for index in range(quiet + 1, len(run.events)):
        change(run, index, t=run.events[index].t + 60)
    again = [e for e in run.events[at:] if e.client == late.client and e.conversation == late.conversation]
    for event in again:
        run.events.remove(event)
    run.events += [replace(event, t=healed + 10.1) for event in (late, *again)]


def never_come_to_the_end(run: Pretend) -> None:
    event = run.events[run.index("deliver", client="ada-right")]
    after = run.events.index(event)
    run.events[after:] = [
        each
        for each in run.events[after:]
        if (each.client, each.conversation) != (event.client, event.conversation)
    ]


def leave_out_silently(run: Pretend) -> None:
    run.events.append(Event(t=run.events[-1].t, kind="skip", client="ada-left", conversation="ada-0", seq=9))


def say_again(run: Pretend) -> None:
    run.events.append(
        Event(t=run.events[-1].t, kind="repeat", client="ada-left", conversation="ada-0", seq=1)
    )


def show_what_was_removed(run: Pretend) -> None:
    gone = next(each for each in run.rows if each.kind == "removed")
    person = gone.conversation.split("-", maxsplit=1)[0]
    t = run.events[-1].t
    what: dict[str, Any] = {"client": "late", "person": person, "conversation": gone.conversation}
    run.events.append(Event(t=t + 1, kind="join", **what))
    for each in sorted(
        (each for each in run.rows if each.conversation == gone.conversation), key=lambda r: r.seq
    ):
        if each.kind in ("message", "removed"):
            told: dict[str, Any] = {"message_id": each.message_id, "client_id": each.client_id}
            run.events.append(Event(t=t + 1, kind="deliver", seq=each.seq, **told, **what))
        elif each.kind == "tombstone":
            run.events.append(Event(t=t + 1, kind="removed", seq=each.seq, about=each.about, **what))


def forget_a_removal(run: Pretend) -> None:
    removed = next(each for each in run.rows if each.kind == "removed")
    run.rows[run.rows.index(removed)] = replace(removed, kind="message")


def lose_a_card(run: Pretend) -> None:
    del run.rows[row(run, "notice")]


def keep_a_card_to_oneself(run: Pretend) -> None:
    notice_id = run.rows[row(run, "notice", acked=0.0)].notice_id
    person = run.rows[row(run, "notice", acked=0.0)].person
    run.events[:] = [
        event
        for event in run.events
        if not (event.kind == "notice" and event.notice_id == notice_id and event.client == f"{person}-left")
    ]


def show_a_card_again(run: Pretend) -> None:
    noted = next(each for each in run.rows if each.acked)
    t = noted.acked + 5
    what: dict[str, Any] = {"client": f"{noted.person}-left", "person": noted.person}
    run.events += [
        Event(t=t, kind="connect", **what),
        Event(t=t + 1, kind="notice", notice_id=noted.notice_id, **what),
    ]


def take_a_card_back(run: Pretend) -> None:
    noted = next(each for each in run.rows if each.acked)
    run.events[:] = [
        event
        for event in run.events
        if not (event.kind == "ack_notice" and event.notice_id == noted.notice_id)
    ]


BROKEN: list[tuple[Change, str]] = [
    (lose_an_acked_row, "acked-lost"),
    (lose_the_last_acked_row_and_close_the_hole, "acked-lost"),
    (store_one_twice, "doubled"),
    (leave_a_hole, "seq-hole"),
    (give_a_seq_twice, "seq-twice"),
    (forget_the_head, "head"),
    (swap_two, "order"),
    (tell_two_seqs, "two-answers"),
    (tell_another_place, "acked-elsewhere"),
    (tell_twice_that_it_is_new, "first-twice"),
    (skip_one_for_a_subscriber, "not-converged"),
    (skip_amid, "view-gap"),
    (repeat_for_a_subscriber, "view-twice"),
    (show_it_in_another_order, "view-gap"),
    (show_other_words, "view-differs"),
    (call_a_stored_one_gone, "false-gap"),
    (show_anothers_message, "foreign"),
    (tell_of_anothers_reply, "foreign"),
    (store_a_refused_one, "refused-stored"),
    (refuse_a_good_one, "refused-good"),
    (take_a_bad_one, "taken-bad"),
    (be_late, "late"),
    (never_come_to_the_end, "not-converged"),
    (leave_out_silently, "server-hole"),
    (say_again, "server-repeat"),
    (show_what_was_removed, "removed-shown"),
    (forget_a_removal, "unremoved"),
    (lose_a_card, "notice-lost"),
    (keep_a_card_to_oneself, "notice-untold"),
    (show_a_card_again, "notice-again"),
    (take_a_card_back, "notice-vanished"),
]
