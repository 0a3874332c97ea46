"""Made-up people for development: rows for every table, the same for the same seed. Pure: writes nothing."""

import hashlib
import random
import tomllib
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import resources
from typing import Any

import msgspec

from nura_rt.pipeline.pipeline import Before, Pipeline
from nura_rt.pipeline.placeholders import Placeholders
from nura_rt.pipeline.turn import LEVELS, Level, rank

_PLACE = uuid.UUID("6e757261-0000-4000-8000-000000000001")

Row = dict[str, Any]
Rows = dict[str, list[Row]]  # by table


class Material(msgspec.Struct, frozen=True):
    """What every person of one run is made of."""

    seed: int
    now: datetime
    password_hash: str
    words: dict[str, Any]
    pipeline: Pipeline


def material(seed: int, *, now: datetime, password_hash: str) -> Material:
    """Reads the words and the screening rules once."""
    text = (resources.files("nura_rt.cli") / "made_up.toml").read_text("utf-8")
    return Material(seed, now, password_hash, tomllib.loads(text), Pipeline.load())


def shared_rows(made_of: Material) -> Rows:
    """What belongs to nobody: voices and badges, and what a webhook and an import leave."""
    words, seed = made_of.words, made_of.seed
    return {
        "public.voices": [
            {"id": _id(seed, name), "name": name, "assistant_id": _assistant(name)}
            for name in words["voices"]
        ],
        "public.badges": [
            {"id": _id(seed, badge["name"]), "name": badge["name"], "xp_award": badge["xp"]}
            for badge in words["badges"]
        ],
        "nura.webhook_inbox": [{"source": "seed", "dedup_key": str(seed), "kind": "user.created"}],
        "nura.legacy_imports": [{"source": f"seed-{seed}", "last_id": "0"}],
        "nura.unheard_instances": [{"instance": f"seed-{seed}", "until": made_of.now}],
    }


class Person:
    """One made-up person; `rows` holds everything of theirs once `make` has run. Keys are made by the caller."""

    def __init__(self, made_of: Material, number: int) -> None:
        self._of = made_of
        self._words = made_of.words
        self._random = random.Random(f"{made_of.seed}/{number}")  # noqa: S311 - nothing secret is drawn
        self._number = number
        self.id = _id(made_of.seed, f"person-{number}")
        self.placeholders: dict[str, Placeholders] = {}  # by conversation; sealed by the caller
        self.rows: Rows = {}

    def make(self) -> "Person":
        """Fills `rows`, parents before children."""
        self._identity()
        worst: Level = "none"
        for number, talk in enumerate(self._random.sample(self._words["talks"], self._random.randint(1, 3))):
            worst = max(worst, self._conversation(number, talk), key=rank)
        self._remembered()
        self._called()
        self._looked_after(worst)
        return self

    def _add(self, table: str, **row: Any) -> None:
        self.rows.setdefault(table, []).append({"user_id": self.id, **row})

    def _of_mine(self, name: str) -> str:
        return _id(self._of.seed, f"{self._number}-{name}")

    def _ago(self, **span: float) -> datetime:
        return self._of.now - timedelta(**span)

    def _identity(self) -> None:
        choose = self._random
        name = self._words["names"][self._number % len(self._words["names"])]
        email = f"{name.lower().replace(' ', '.')}.{self._of.seed}.{self._number}@nura.example"
        joined, seen = self._ago(days=choose.randint(30, 400)), self._ago(hours=choose.randint(1, 200))
        confirmed = joined if choose.random() < 0.8 else None
        self.rows["public.users"] = [
            {
                "id": self.id, "email": email, "full_name": name, "display_name": name.split()[0],
                "phone_number": f"+1202555{choose.randint(100, 199):04d}" if choose.random() < 0.5 else None,
                "bio": choose.choice([None, *self._words["bios"]]), "email_confirmed_at": confirmed,
                "last_sign_in_at": seen, "last_active_at": seen, "current_streak": choose.randint(0, 21),
                "xp": choose.randint(0, 60) * 10, "created_at": joined,
            }
        ]  # fmt: skip
        self._add("nura.accounts", email=email, password_hash=self._of.password_hash)
        session = self._of_mine("session")
        self._add(
            "nura.sessions", id=session, source="local", device="Firefox on Linux", ip_prefix="203.0.113.0/24",
            signed_in_at=seen, last_seen_at=seen, expires_at=self._ago(days=-30),
        )  # fmt: skip
        self._add(
            "nura.refresh_tokens",
            token_hash=_digest(session),
            session_id=session,
            expires_at=self._ago(days=-30),
        )
        self._add(
            "nura.verifications", purpose="email", target=email, secret_hash=_digest(email),
            created_at=joined, expires_at=joined + timedelta(hours=24), used_at=confirmed,
        )  # fmt: skip
        self._add(
            "public.user_service_profiles", id=self._of_mine("chat"), service_type="chat",
            service_preferences={"tone": choose.choice(["warm", "plain"])}, last_used_at=seen,
            usage_stats={"uses": choose.randint(3, 90)},
        )  # fmt: skip

    def _conversation(self, number: int, talk: Row) -> Level:
        conversation_id = self._of_mine(f"talk-{number}")
        begun = self._ago(days=self._random.randint(1, 28), minutes=self._random.randint(0, 1000))
        turns = [
            (role, text)
            for pair in talk["turns"]
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
        spoken = [
            self._message(conversation_id, seq, role, text, begun + timedelta(minutes=2 * seq))
            for seq, (role, text) in enumerate(turns, 2)
        ]
        worst = max((level for _, level in spoken), key=rank)
        last = begun + timedelta(minutes=2 * len(turns) + 2)
        head = len(turns) + 4  # the first was trimmed, the last taken back: these and what they left
        self._add(
            "public.conversations", id=conversation_id, title=talk["title"], crisis_level=worst, last_seq=head,
            message_count=len(turns), total_duration_minutes=2.0 * len(turns), created_at=begun, last_message_at=last,
            tail_seq=2,
            safety_plan_triggered=rank(worst) >= rank("high"), status=self._random.choice(["active", "archived"]),
        )  # fmt: skip
        self._gone(conversation_id, removed_seq=head - 2, seq=head - 1, at=last)
        self._gone(conversation_id, removed_seq=1, seq=head, at=begun, trimmed=True)
        self._add("nura.trims", conversation_id=conversation_id, seq=head, before_seq=2)
        self._add("nura.read_marks", conversation_id=conversation_id, seq=head)
        self._replies(conversation_id, [row for row, _ in spoken])
        return worst

    def _gone(self, conversation_id: str, *, removed_seq: int, at: datetime, **fields: Any) -> None:
        self._add(
            "nura.tombstones", conversation_id=conversation_id, removed_seq=removed_seq, committed_at=at,
            client_id=f"seed-{removed_seq}", message_id=self._of_mine(f"{conversation_id}-{removed_seq}"), **fields,
        )  # fmt: skip

    def _message(
        self, conversation_id: str, seq: int, role: str, text: str, at: datetime
    ) -> tuple[Row, Level]:
        placeholders = self.placeholders.setdefault(conversation_id, Placeholders())
        found = self._of.pipeline.screen(text, Before(placeholders=placeholders))
        self.placeholders[conversation_id] = found.placeholders or placeholders
        level = found.crisis.level if role == "user" else "none"
        row = {
            "id": self._of_mine(f"{conversation_id}-{seq}"), "conversation_id": conversation_id, "seq": seq,
            "client_id": f"seed-{seq}", "role": role, "content": text, "processed_content": found.processed,
            "sentiment_score": found.sentiment, "requires_intervention": rank(level) >= rank("high"), "created_at": at,
        }  # fmt: skip
        if role == "assistant":
            row |= {
                "model_used": "companion",
                "response_time_ms": 400,
                "client_id": "reply:" + _previous(self, row),
            }
        self._add("public.messages", **row)
        if rank(level) >= rank("moderate"):
            self._add(
                "nura.crisis_events", id=self._of_mine(f"crisis-{row['id']}"), conversation_id=conversation_id,
                message_id=row["id"], source="message", level=level, indicators={"level": level}, created_at=at,
            )  # fmt: skip
        return row, level

    def _replies(self, conversation_id: str, spoken: list[Row]) -> None:
        for asked, answered in zip(spoken[::2], spoken[1::2], strict=True):
            payload = {"message_id": asked["id"], "conversation_id": conversation_id, "seq": asked["seq"]}
            self._add(
                "nura.jobs", kind="reply", key=f"reply:{asked['id']}", payload=payload, state="done",
                attempt=1, created_at=asked["created_at"], finished_at=answered["created_at"],
            )  # fmt: skip
            self._add(
                "nura.reply_runs", id=self._of_mine(f"run-{asked['id']}"), message_id=asked["id"],
                conversation_id=conversation_id, state="completed", reply_message_id=answered["id"],
                started_at=asked["created_at"], ended_at=answered["created_at"],
            )  # fmt: skip

    def _remembered(self) -> None:
        first = self.rows["public.messages"][0]
        for number, memory in enumerate(self._random.sample(self._words["memories"], 2)):
            self._add(
                "public.memory_items", id=self._of_mine(f"memory-{number}"), conversation_id=first["conversation_id"],
                message_id=first["id"], content=memory["content"], processed_content=memory["content"],
                memory_type=memory["type"], significance_level=memory["significance"],
                relevance_score=round(self._random.uniform(0.4, 0.9), 2), user_consent={"memory": True},
            )  # fmt: skip

    def _called(self) -> None:
        at, call = self._ago(days=self._random.randint(1, 20)), self._of_mine("call")
        self._add(
            "public.voice_calls", id=call, vapi_call_id=call, channel="web", status="ended",
            assistant_id=_assistant(self._random.choice(self._words["voices"])), started_at=at,
            ended_at=at + timedelta(minutes=6), created_at=at, cost_total=Decimal("0.42"),
        )  # fmt: skip
        self._add(
            "public.call_summaries", id=self._of_mine("summary"), call_id=call, duration_seconds=360,
            summary_json={"summary": "Talked about the week and about sleep."}, sentiment="neutral",
            key_topics=["sleep"], emotional_state="tired", created_at=at + timedelta(minutes=7),
        )  # fmt: skip

    def _looked_after(self, worst: Level) -> None:
        contact, reminder = (self._random.choice(self._words[name]) for name in ("contacts", "reminders"))
        self._add(
            "public.safety_contacts", id=self._of_mine("contact"), external_first_name=contact["first"],
            external_last_name=contact["last"], external_phone_number="+12025550123", priority_order=1,
            relationship_type=contact["relationship"], allowed_communication_methods=["sms", "call"],
            preferred_communication_method="sms", is_emergency_contact=True,
        )  # fmt: skip
        self._add(
            "public.schedules", id=self._of_mine("schedule"), name=reminder["name"], schedule_type=reminder["type"],
            cron_expression=reminder["cron"], reminder_method=reminder["method"],
            timezone=self._random.choice(self._words["zones"]), next_run_at=self._ago(hours=-20),
        )  # fmt: skip
        badge = self._random.choice(self._words["badges"])
        self._add("public.user_badges", id=self._of_mine("badge"), badge_id=_id(self._of.seed, badge["name"]))
        self._add(
            "public.generated_images", id=self._of_mine("image"), name="The canal at noon",
            prompt="calm light on water", image_data="iVBORw0KGgo=", image_format="png",
        )  # fmt: skip
        for purpose in ("memory", "care"):
            self._add(
                "nura.consents",
                id=self._of_mine(f"consent-{purpose}"),
                purpose=purpose,
                version="1",
                source="seed",
            )
        self._add("nura.removed_conversations", conversation_id=self._of_mine("talk-gone"))
        self._add("nura.audit_log", actor="system", action="seeded")
        if rank(worst) >= rank("moderate") or self._number == 0:
            level = max(worst, LEVELS[2], key=rank)
            self._add(
                "nura.notices", id=self._of_mine("notice"), kind="support", key=f"support-{self._number}",
                frame={"type": "support", "level": level}, expires_at=self._ago(days=-7),
            )  # fmt: skip


def _previous(person: Person, row: Row) -> str:
    """The id of the message that this reply answers."""
    return str(
        next(one["id"] for one in reversed(person.rows["public.messages"]) if one["seq"] == row["seq"] - 1)
    )


def _assistant(voice: str) -> str:
    return f"assistant-{voice.lower()}"


def _id(seed: int, name: str) -> str:
    return str(uuid.uuid5(_PLACE, f"{seed}/{name}"))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
