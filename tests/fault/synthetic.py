"""A run that never was: a small server that keeps every promise, seen by clients that come and go.

The checker's own tests break one promise at a time in what it tells.
"""

import random
from typing import Any

from history import Event, Row

_PEOPLE = ("ada", "ben")


class Pretend:
    """Makes history and dump by a fixed rule of chance; `events` and `rows` may then be changed by a test."""

    def __init__(self, seed: int, *, steps: int = 120) -> None:
        self.events: list[Event] = []
        self.rows: list[Row] = []
        self._rng = random.Random(seed)
        self._t = 1_000.0
        self._logs: dict[str, list[Row]] = {}
        self._owner: dict[str, str] = {}
        self._views: dict[tuple[str, str], int] = {}
        self._away: set[str] = set()
        self._texts = 0
        self._open_everything()
        for _ in range(steps):
            self._rng.choice(
                (self._send, self._send, self._send, self._refuse, self._remove, self._flicker)
            )()
            self._catch_up()
        self._come_to_rest()

    def index(self, kind: str, **fields: Any) -> int:
        """Where the last event of this kind with these fields stands."""
        found = [
            at
            for at, event in enumerate(self.events)
            if event.kind == kind and all(getattr(event, name) == value for name, value in fields.items())
        ]
        return found[-1]

    def _add(self, kind: str, **fields: Any) -> Event:
        self._t += self._rng.uniform(0.001, 0.05)
        self.events.append(Event(t=self._t, kind=kind, **fields))
        return self.events[-1]

    def _open_everything(self) -> None:
        for person in _PEOPLE:
            for number in range(2):
                conversation = f"{person}-{number}"
                self._owner[conversation] = person
                self._logs[conversation] = []
                self._add("own", conversation=conversation, person=person)
        for person in _PEOPLE:
            for side in ("left", "right"):
                self._join(f"{person}-{side}", person)

    def _join(self, client: str, person: str) -> None:
        self._add("connect", client=client, person=person)
        for conversation, owner in self._owner.items():
            if owner == person:
                last = self._views.setdefault((client, conversation), 0)
                self._add("join", client=client, person=person, conversation=conversation, seq=last)
        for card in self.rows:
            if card.kind == "notice" and card.person == person and not card.acked:
                self._add("notice", client=client, person=person, notice_id=card.notice_id)

    def _put(self, conversation: str, kind: str, **fields: Any) -> Row:
        log = self._logs[conversation]
        log.append(Row(kind=kind, conversation=conversation, seq=len(log) + 1, t=self._t, **fields))
        return log[-1]

    def _send(self) -> None:
        conversation = self._rng.choice(list(self._owner))
        person = self._owner[conversation]
        self._texts += 1
        client_id = f"c{self._texts}"
        what = {"client": f"{person}-sender", "person": person, "conversation": conversation}
        crisis = self._rng.random() < 0.1
        self._add("invoke", client_id=client_id, crisis=crisis, **what)
        kept = self._put(conversation, "message", client_id=client_id, message_id=f"m-{client_id}")
        lost = self._rng.random() < 0.2
        if lost:  # the answer did not arrive, so it is sent again
            self._add("unknown", client_id=client_id, **what)
            self._add("invoke", client_id=client_id, crisis=crisis, **what)
        told = {"client_id": client_id, "seq": kept.seq, "message_id": kept.message_id}
        self._add("ack", again=lost, **told, **what)
        if self._rng.random() < 0.1:
            self._add("invoke", client_id=client_id, **what)
            self._add("ack", again=True, **told, **what)
        self._put(conversation, "message", client_id=f"reply:{kept.message_id}", message_id=f"r-{client_id}")
        if crisis:
            self._worry(person, f"support-{kept.message_id}")

    def _worry(self, person: str, notice_id: str) -> None:
        self.rows.append(Row(kind="notice", notice_id=notice_id, person=person, t=self._t))
        for client in sorted({client for client, _ in self._views} - self._away):
            if client.startswith(person):
                self._add("notice", client=client, person=person, notice_id=notice_id)

    def _refuse(self) -> None:
        conversation = self._rng.choice(list(self._owner))
        person = self._owner[conversation]
        self._texts += 1
        what = {"client": f"{person}-sender", "conversation": conversation, "client_id": f"c{self._texts}"}
        self._add("invoke", bad=True, **what)
        self._add("refuse", what="invalid", **what)

    def _remove(self) -> None:
        conversation = self._rng.choice(list(self._owner))
        log = self._logs[conversation]
        left = [row for row in log if row.kind == "message" and not row.client_id.startswith("reply:")]
        if not left:
            return
        row = self._rng.choice(left)
        what = {"conversation": conversation, "seq": row.seq, "client_id": row.client_id}
        self._add("remove_invoke", **what)
        log[row.seq - 1] = Row(
            kind="removed", conversation=conversation, seq=row.seq, t=row.t,
            client_id=row.client_id, message_id=row.message_id,
        )  # fmt: skip
        self._put(conversation, "tombstone", about=row.seq)
        self._add("remove_ack", **what)

    def _flicker(self) -> None:
        client = self._rng.choice(sorted({client for client, _ in self._views}))
        person = client.split("-", maxsplit=1)[0]
        if client in self._away:
            self._away.discard(client)
            self._join(client, person)
        else:
            self._away.add(client)
            self._add("disconnect", client=client, person=person)

    def _catch_up(self) -> None:
        for (client, conversation), last in self._views.items():
            if client in self._away:
                continue
            for row in self._logs[conversation][last:]:
                self._show(client, row)
            self._views[client, conversation] = len(self._logs[conversation])

    def _show(self, client: str, row: Row) -> None:
        what = {"client": client, "conversation": row.conversation, "person": self._owner[row.conversation]}
        if row.kind == "message":
            told = {"message_id": row.message_id, "client_id": row.client_id}
            self._add("deliver", seq=row.seq, **told, **what)
        elif row.kind == "removed":
            self._add("gap", seq=row.seq, to=row.seq, **what, **{"what": "removed"})
        else:
            self._add("removed", seq=row.seq, about=row.about, **what)

    def _come_to_rest(self) -> None:
        self._add("fault", what="redis-kill")
        for client in sorted(self._away):
            self._join(client, client.split("-", maxsplit=1)[0])
        self._away.clear()
        self._add("heal", what="redis-kill")
        self._add("quiet")
        self._catch_up()
        self._t += 30
        for at, card in enumerate(self.rows):
            if card.kind == "notice" and at % 2:
                self._add("ack_notice", client="ada-left", person=card.person, notice_id=card.notice_id)
                self.rows[at] = Row(
                    kind="notice", notice_id=card.notice_id, person=card.person, t=card.t, acked=self._t
                )
        self._add("end")
        for conversation, log in self._logs.items():
            self.rows += [*log, Row(kind="head", conversation=conversation, seq=len(log))]
