"""The one statement that keeps turns: many people's rows, dense seqs, crisis events, notices and jobs in one commit.

A row for another person's or a missing conversation drops out; a repeat returns what was kept before, removed or not.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One turn to keep. `level` is screening's; a `finishes` row ends the job it fulfils, or is not kept."""

    message_id: str
    conversation_id: str
    person_id: str
    client_id: str
    role: str
    content: str
    processed: str | None = None
    pii: dict[str, Any] = msgspec.field(default_factory=dict)
    sentiment: float | None = None
    level: str = "none"
    indicators: dict[str, Any] = msgspec.field(default_factory=dict)
    reply_token: str | None = None  # set: a reply job is inserted, already leased with this token
    finishes: str | None = None  # the message this reply answers; its job and run end in the same commit
    fence: str | None = None  # the lease token that must still hold for `finishes`
    model: str | None = None
    response_ms: int | None = None
    tokens: int | None = None
    notice: dict[str, Any] | None = (
        None  # the support card its words bring, kept with them until acknowledged
    )


class Kept(msgspec.Struct, frozen=True):
    """Where a row stands now; `id` differs from the row's own when it was a repeat.

    `removed`: it was kept before and has been removed since.
    """

    ord: int
    id: str
    seq: int
    created_at: datetime
    removed: bool = False


_KEEP = """
WITH inp AS (
  SELECT *, coalesce(array_position($20::text[], level), 3) AS rank  -- a level nobody knows counts as moderate
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::json[],
                $9::float8[], $10::text[], $11::json[], $12::uuid[], $13::text[], $14::uuid[], $15::text[],
                $16::int[], $17::int[], $18::jsonb[])
         WITH ORDINALITY AS t(id, conversation_id, user_id, client_id, role, content, processed, pii,
                              sentiment, level, indicators, reply_token, finishes, fence, model,
                              response_ms, tokens, notice, ord)),
locked AS MATERIALIZED (
  SELECT c.id, c.user_id, c.last_seq, c.last_seq <> coalesce(c.message_count, 0) AS had_more FROM conversations c
   WHERE c.id = any($2::text[]) ORDER BY c.id FOR NO KEY UPDATE),
-- Removed messages keep their client_ids. They are looked for behind the locks: what was kept and removed again since
-- this statement's snapshot can be seen in no other way. Where nothing was ever removed, nothing is looked for.
gone AS MATERIALIZED (
  SELECT g.*
    FROM (SELECT array_agg(i.conversation_id) AS conversations, array_agg(i.client_id) AS clients
            FROM inp i JOIN locked l ON l.id = i.conversation_id WHERE l.had_more) asked
    JOIN LATERAL nura.removed_before(asked.conversations, asked.clients) g ON true
   WHERE asked.conversations IS NOT NULL),
mine AS MATERIALIZED (
  SELECT i.*, l.last_seq, coalesce(g.message_id, m.id) AS old_id, coalesce(g.removed_seq, m.seq) AS old_seq,
         coalesce(g.committed_at, m.created_at) AS old_at, g.message_id IS NOT NULL AS removed
    FROM inp i
    JOIN locked l ON l.id = i.conversation_id AND l.user_id = i.user_id
    LEFT JOIN messages m ON m.conversation_id = i.conversation_id AND m.client_id = i.client_id
    LEFT JOIN gone g ON g.conversation_id = i.conversation_id AND g.client_id = i.client_id),
fresh AS MATERIALIZED (
  SELECT *, last_seq + row_number() OVER (PARTITION BY conversation_id ORDER BY ord) AS seq
    FROM mine
   WHERE old_id IS NULL
     AND (finishes IS NULL OR EXISTS (
           SELECT FROM nura.jobs j WHERE j.key = 'reply:' || finishes AND j.lease_token = fence))),
grown AS (SELECT conversation_id, count(*) AS n, max(rank) AS rank FROM fresh GROUP BY conversation_id),
heads AS (
  UPDATE conversations c
     SET last_seq = c.last_seq + g.n, message_count = c.message_count + g.n, last_message_at = now(),
         crisis_level = ($20::text[])[greatest(g.rank, array_position($20::text[], c.crisis_level::text))],
         safety_plan_triggered = c.safety_plan_triggered OR g.rank >= 4,
         -- a pause of up to half an hour is still the same talk
         total_duration_minutes = coalesce(c.total_duration_minutes, 0)
           + CASE WHEN now() - c.last_message_at <= interval '30 minutes'
                  THEN greatest(0, extract(epoch FROM now() - c.last_message_at)) / 60 ELSE 0 END
    FROM grown g WHERE c.id = g.conversation_id),
kept AS (
  INSERT INTO messages (id, conversation_id, user_id, client_id, role, content, processed_content, pii_detected,
                        sentiment_score, crisis_indicators, requires_intervention, model_used,
                        response_time_ms, tokens_used, seq)
  SELECT id, conversation_id, user_id, client_id, role, content, processed, pii, sentiment, indicators,
         rank >= 4, model, response_ms, tokens, seq FROM fresh ORDER BY ord),
events AS (
  INSERT INTO nura.crisis_events (user_id, conversation_id, message_id, source, level, indicators)
  SELECT user_id, conversation_id, id, 'message', level, indicators FROM fresh WHERE rank >= 3 AND role = 'user'),
notices AS (
  INSERT INTO nura.notices (user_id, kind, key, frame, expires_at)
  SELECT user_id, 'support', notice ->> 'notice_id', notice, 'infinity' FROM fresh WHERE notice IS NOT NULL
  ON CONFLICT DO NOTHING),
outbox AS (
  INSERT INTO nura.jobs (kind, key, user_id, payload, state, attempt, lease_token, lease_until)
  SELECT 'reply', 'reply:' || id, user_id,
         jsonb_build_object('message_id', id, 'conversation_id', conversation_id, 'seq', seq, 'level', level),
         'leased', 1, reply_token, now() + make_interval(secs => $19::float8)
    FROM fresh WHERE reply_token IS NOT NULL),
finished_jobs AS (
  UPDATE nura.jobs j SET state = 'done', lease_token = NULL, lease_until = NULL, finished_at = now()
    FROM fresh f WHERE f.finishes IS NOT NULL AND j.key = 'reply:' || f.finishes AND j.lease_token = f.fence),
finished_runs AS (
  UPDATE nura.reply_runs r SET state = 'completed', ended_at = now(), reply_message_id = f.id
    FROM fresh f WHERE f.finishes IS NOT NULL AND r.message_id = f.finishes AND r.lease_token = f.fence)
SELECT ord, id, seq, now() AS created_at, false AS removed FROM fresh
UNION ALL
SELECT ord, old_id, old_seq, old_at, removed FROM mine WHERE old_id IS NOT NULL
"""


async def held(conn: asyncpg.Connection, conversation_ids: Sequence[str]) -> set[str]:
    """Those of the conversations that another transaction holds locked now. Runs as the writer."""
    rows = await conn.fetch(
        """
        SELECT c.id FROM conversations c
         WHERE c.id = any($1::text[])
           AND c.id NOT IN (SELECT id FROM (SELECT f.id FROM conversations f
                                             WHERE f.id = any($1::text[]) FOR NO KEY UPDATE SKIP LOCKED) free)
        """,
        conversation_ids,
    )
    return {row["id"] for row in rows}


async def keep(
    conn: asyncpg.Connection, rows: Sequence[Row], *, levels: Sequence[str], lease_s: float
) -> dict[int, Kept]:
    """Keeps the rows in their order and returns, by their index, those that stand. Runs as the writer.

    Raises asyncpg's errors: UniqueViolationError when another instance kept a repeat meanwhile (ask again).
    """
    columns: list[list[Any]] = [
        [getattr(row, name) for row in rows]
        for name in (
            "message_id", "conversation_id", "person_id", "client_id", "role", "content", "processed", "pii",
            "sentiment", "level", "indicators", "reply_token", "finishes", "fence", "model", "response_ms", "tokens",
            "notice",
        )
    ]  # fmt: skip
    found = await conn.fetch(_KEEP, *columns, lease_s, list(levels))
    kept = (Kept(**record) for record in found)
    return {item.ord - 1: item for item in kept}
