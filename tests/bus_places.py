"""Where a Redis may be, and what a user of it needs at least."""

import msgspec

from cluster import Server

# ACL SETUSER nura on >password ...; docs say the same
RIGHTS = (
    "resetkeys resetchannels -@all ~nura:* ~cache:* ~cache-generation:* ~session:* ~user:* &nura:* "
    "+ping +info +cluster|slots +publish +subscribe +unsubscribe +spublish +ssubscribe +sunsubscribe "
    "+get +set +del +expire +hset +hgetall +lpush +lrange +ltrim +lrem +multi +exec "
    "+eval +evalsha +time +pexpire +pttl +zadd +zrem +zcard +zcount +zrange +zremrangebyscore"
)


class Place(msgspec.Struct, frozen=True):
    """A Redis, however it is reached, and all servers behind it."""

    url: str
    servers: list[Server]

    async def kill_listeners(self) -> None:
        """Ends every connection that listens."""
        for one in self.servers:
            await one.command("CLIENT KILL TYPE pubsub")


async def grant(one: Server, user: str, password: str) -> None:
    """Makes the user with no more than those rights."""
    await one.command("ACL SETUSER", user, "reset", "on", f">{password}", *RIGHTS.split())
