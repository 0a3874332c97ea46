"""The chat over REST: conversations and what is said in them, through the same path as the socket."""

import asyncpg
import msgspec
from litestar.handlers import HTTPRouteHandler

from nura_rt.auth.identify import Identify
from nura_rt.chat.conversation_routes import conversation_routes
from nura_rt.chat.message_routes import message_routes, removal_route
from nura_rt.conversation.create import Creation
from nura_rt.conversation.intake import Intake
from nura_rt.conversation.removal import Removal
from nura_rt.conversation.threads import Threads
from nura_rt.realtime.pace import Pace
from nura_rt.realtime.rate import PersonRate
from nura_rt.settings import Limits
from nura_rt.store.replica import Reads


class Rooms(msgspec.Struct, frozen=True):
    """What the routes need."""

    people: asyncpg.Pool
    reads: Reads
    identify: Identify
    creation: Creation
    threads: Threads
    intake: Intake
    rate: PersonRate
    limits: Limits
    removal: Removal


def chat_routes(rooms: Rooms) -> list[HTTPRouteHandler]:
    """Everything under /v1/conversations."""
    limits = rooms.limits
    writes = Pace(per_s=limits.frames_per_s, burst=limits.frame_burst)
    return [
        *conversation_routes(rooms.people, rooms.identify, rooms.creation, rooms.threads, writes),
        removal_route(rooms.identify, rooms.removal, writes),
        *message_routes(
            rooms.reads,
            rooms.identify,
            rooms.intake,
            Pace(per_s=limits.messages_per_s, burst=limits.message_burst, shared=rooms.rate),
            text_chars=limits.text_chars,
        ),
    ]
