"""Stored rows as the frames that carry them."""

from nura_rt.protocol import server
from nura_rt.store import conversations, messages
from nura_rt.store.log import Entry


def message(row: messages.Message) -> server.Message:
    """A stored turn; a reply names the message it answers, a person's keeps its client_id."""
    answers = row.client_id.removeprefix(messages.REPLY_PREFIX)
    is_reply = answers != row.client_id
    return server.Message(
        conversation_id=row.conversation_id,
        seq=row.seq,
        message_id=row.id,
        role=row.role,
        text=row.content,
        created_at=row.created_at,
        client_id=None if is_reply else row.client_id,
        reply_to=answers if is_reply else None,
        author=row.author_id,
    )


def log_entry(
    conversation_id: str, entry: Entry
) -> server.Message | server.MessageRemoved | server.HistoryTrimmed:
    """What stands at one seq of a conversation's log."""
    if entry.message is not None:
        return message(entry.message)
    if entry.removed_seq is not None:
        return server.MessageRemoved(conversation_id, entry.seq, entry.removed_seq)
    assert entry.before_seq is not None
    return server.HistoryTrimmed(conversation_id, entry.seq, entry.before_seq)


def conversation(row: conversations.Conversation) -> server.Conversation:
    """A line of the conversation list."""
    return server.Conversation(
        conversation_id=row.id,
        title=row.title,
        status=row.status,
        crisis_level=row.crisis_level,
        head=row.last_seq,
        message_count=row.message_count,
        created_at=row.created_at,
        last_message_at=row.last_message_at,
        updated_at=row.updated_at,
        description=row.description,
        session_type=row.session_type,
        read_seq=row.read_seq,
        total_duration_minutes=row.total_duration_minutes,
    )
