"""Who is connected to this instance: every identified connection, by person. It counts, it does not decide."""

from nura_rt.realtime.connection import Connection


class Roster:
    """Connections from their `welcome` until they are gone."""

    def __init__(self) -> None:
        self._people: dict[str, dict[str, Connection]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, person_id: str, connection: Connection) -> None:
        """The person is here once more."""
        self._people.setdefault(person_id, {})[connection.id] = connection
        self._count += 1

    def remove(self, person_id: str, connection: Connection) -> None:
        """This connection is gone; unknown ones are ignored."""
        here = self._people.get(person_id, {})
        if here.pop(connection.id, None) is not None:
            self._count -= 1
        if not here:
            self._people.pop(person_id, None)

    def of(self, person_id: str) -> tuple[Connection, ...]:
        """The person's connections here, the oldest first."""
        return tuple(self._people.get(person_id, {}).values())

    def find(self, person_id: str, connection_id: str) -> Connection | None:
        """One connection, if it is here."""
        return self._people.get(person_id, {}).get(connection_id)

    def everybody(self) -> tuple[Connection, ...]:
        """All connections of this instance, now."""
        return tuple(connection for here in self._people.values() for connection in here.values())

    def people(self) -> tuple[str, ...]:
        """Everybody who is here."""
        return tuple(self._people)
