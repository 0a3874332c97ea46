"""One row of a person in every table that holds a person's rows; a new table must say here what a row of it is."""

import uuid

import asyncpg

# In the order of their references; $1 is the person, whose id begins the ids that other rows name.
ROWS = {
    "public.users": "INSERT INTO users (id, email) VALUES ($1, $1 || '@example.invalid')",
    "public.user_service_profiles": "INSERT INTO user_service_profiles (user_id, service_type) VALUES ($1, 'chat')",
    "nura.accounts": "INSERT INTO nura.accounts (user_id, email, password_hash) VALUES ($1, $1 || '@x.invalid', 'x')",
    "public.conversations": "INSERT INTO conversations (id, user_id, title) VALUES ($1 || '-c', $1, 'a title')",
    "public.messages": """
        INSERT INTO messages (id, conversation_id, user_id, content, role, seq, client_id)
        VALUES ($1 || '-m', $1 || '-c', $1, 'words', 'user', 1, 'k1')""",
    "nura.crisis_events": """
        INSERT INTO nura.crisis_events (user_id, conversation_id, message_id, source, level, indicators)
        VALUES ($1, $1 || '-c', $1 || '-m', 'message', 'high', '{}')""",
    "public.memory_items": """
        INSERT INTO memory_items (user_id, conversation_id, message_id, content, memory_type)
        VALUES ($1, $1 || '-c', $1 || '-m', 'a fact', 'personal_fact')""",
    "public.voice_calls": "INSERT INTO voice_calls (id, user_id, assistant_id) VALUES ($1 || '-v', $1, 'assistant')",
    "public.call_summaries": """
        INSERT INTO call_summaries (call_id, user_id, summary_json) VALUES ($1 || '-v', $1, '{}')""",
    "public.safety_contacts": """
        INSERT INTO safety_contacts (user_id, priority_order, allowed_communication_methods,
                                     preferred_communication_method)
        VALUES ($1, 1, '[]', 'call')""",
    "public.schedules": """
        INSERT INTO schedules (user_id, name, schedule_type, cron_expression, next_run_at, reminder_method)
        VALUES ($1, 'a walk', 'reminder', '0 9 * * *', now(), 'email')""",
    "public.user_badges": "INSERT INTO user_badges (user_id, badge_id) VALUES ($1, 'badge')",
    "public.generated_images": """
        INSERT INTO generated_images (user_id, prompt, image_data) VALUES ($1, 'a feeling', 'data')""",
    "nura.jobs": "INSERT INTO nura.jobs (kind, key, user_id, payload) VALUES ('test', 'test:' || $1, $1, '{}')",
    "nura.reply_runs": """
        INSERT INTO nura.reply_runs (message_id, conversation_id, user_id) VALUES ($1 || '-m', $1 || '-c', $1)""",
    "nura.sessions": """
        INSERT INTO nura.sessions (id, user_id, source, signed_in_at, expires_at)
        VALUES ($1 || '-s', $1, 'local', now(), now() + interval '1 hour')""",
    "nura.refresh_tokens": """
        INSERT INTO nura.refresh_tokens (token_hash, session_id, user_id, expires_at)
        VALUES (sha256($1::bytea), $1 || '-s', $1, now() + interval '1 day')""",
    "nura.verifications": """
        INSERT INTO nura.verifications (user_id, purpose, target, secret_hash, expires_at)
        VALUES ($1, 'email', $1 || '@example.invalid', sha256($1::bytea), now() + interval '1 hour')""",
    "nura.tombstones": """
        INSERT INTO nura.tombstones (conversation_id, user_id, seq, removed_seq, client_id, message_id, committed_at)
        VALUES ($1 || '-c', $1, 3, 2, 'k2', $1 || '-gone', now())""",
    "nura.trims": "INSERT INTO nura.trims (conversation_id, user_id, seq, before_seq) VALUES ($1 || '-c', $1, 4, 1)",
    "nura.removed_conversations": """
        INSERT INTO nura.removed_conversations (conversation_id, user_id) VALUES ($1 || '-gone', $1)""",
    "nura.read_marks": "INSERT INTO nura.read_marks (conversation_id, user_id, seq) VALUES ($1 || '-c', $1, 1)",
    "nura.notices": """
        INSERT INTO nura.notices (user_id, kind, key, frame, expires_at)
        VALUES ($1, 'support', 'a cause', '{}', now() + interval '1 day')""",
    "nura.placeholders": """
        INSERT INTO nura.placeholders (conversation_id, user_id, sealed, version)
        VALUES ($1 || '-c', $1, 'enc1:x', 1)""",
    "nura.user_keys": "INSERT INTO nura.user_keys (user_id, wrapped, kek_id) VALUES ($1, 'wrapped', 'kek')",
    "nura.consents": "INSERT INTO nura.consents (user_id, purpose, version, source) VALUES ($1, 'memory', '1', 'page')",
    "nura.audit_log": "INSERT INTO nura.audit_log (actor, user_id, action) VALUES ('person', $1, 'test')",
}


async def fill(conn: asyncpg.Connection) -> str:
    """A new person with one row in each table; returns the id. Needs a superuser's connection."""
    person_id = str(uuid.uuid4())
    await conn.execute(
        """
        INSERT INTO voices (id, name, assistant_id) VALUES ('voice', 'A voice', 'assistant') ON CONFLICT DO NOTHING;
        INSERT INTO badges (id, name) VALUES ('badge', 'A badge') ON CONFLICT DO NOTHING
        """
    )
    for sql in ROWS.values():
        await conn.execute(sql.replace("$1", f"'{person_id}'"))
    return person_id
