"""The peer "fastapi": FastAPI, SQLAlchemy's ORM and redis-py, put together as tutorials do.

One session and commit for each message, then Redis, then the sender's ack; one listener hands on to the rooms.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel
from redis.asyncio import Redis
from sqlalchemy import FetchedValue
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_URL = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://")
_engine = create_async_engine(_URL, pool_size=32, max_overflow=0, pool_timeout=60)
_sessions = async_sessionmaker(_engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """Of every table."""


class Message(Base):
    """A kept message."""

    __tablename__ = "messages"
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=FetchedValue())
    conversation_id: Mapped[str]
    client_id: Mapped[str]
    role: Mapped[str]
    content: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class Send(BaseModel):
    """Client -> server."""

    ref: str
    conversation_id: str
    client_id: str
    text: str


class Accepted(BaseModel):
    """Server -> sender, after the commit."""

    type: str = "accepted"
    ref: str
    message_id: UUID
    conversation_id: str
    committed_at: datetime


class Told(BaseModel):
    """Server -> everybody in the conversation."""

    type: str = "message"
    conversation_id: str
    message_id: UUID
    role: str
    text: str
    created_at: datetime
    client_id: str


class Rooms:
    """Who listens where, and the one subscriber that feeds them."""

    def __init__(self) -> None:
        self.redis = Redis.from_url(os.environ["REDIS_URL"])
        self._pubsub = self.redis.pubsub()
        self._members: dict[str, set[WebSocket]] = defaultdict(set)

    async def join(self, room: str, socket: WebSocket) -> None:
        """Subscribes for the first one in a room."""
        self._members[room].add(socket)
        if len(self._members[room]) == 1:
            await self._pubsub.subscribe(f"room:{room}")

    def leave(self, room: str, socket: WebSocket) -> None:
        """The socket is gone."""
        self._members[room].discard(socket)

    async def listen(self) -> None:
        """For ever."""
        await self._pubsub.subscribe("boot")
        async for heard in self._pubsub.listen():
            if heard["type"] == "message":
                room, text = heard["channel"].decode().removeprefix("room:"), heard["data"].decode()
                for socket in list(self._members[room]):
                    try:
                        await socket.send_text(text)
                    except (RuntimeError, WebSocketDisconnect):
                        self.leave(room, socket)


_rooms = Rooms()


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    listening = asyncio.create_task(_rooms.listen())
    yield
    listening.cancel()


app = FastAPI(lifespan=_lifespan)


@app.websocket("/ws/{room}")
async def _serve(socket: WebSocket, room: str) -> None:
    await socket.accept()
    await _rooms.join(room, socket)
    try:
        while True:
            await _keep(socket, Send.model_validate_json(await socket.receive_text()))
    except WebSocketDisconnect:
        _rooms.leave(room, socket)


async def _keep(socket: WebSocket, said: Send) -> None:
    row = Message(
        conversation_id=said.conversation_id, client_id=said.client_id, role="user", content=said.text
    )
    async with _sessions() as session:
        session.add(row)
        await session.commit()
    accepted = Accepted(
        ref=said.ref, message_id=row.id, conversation_id=row.conversation_id, committed_at=row.created_at
    )
    await socket.send_text(accepted.model_dump_json())
    told = Told(
        conversation_id=row.conversation_id,
        message_id=row.id,
        role=row.role,
        text=row.content,
        created_at=row.created_at,
        client_id=row.client_id,
    )
    await _rooms.redis.publish(f"room:{row.conversation_id}", told.model_dump_json())
