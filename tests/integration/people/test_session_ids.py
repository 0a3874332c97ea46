"""The doors of the sessions: what can be no session's id is refused before anybody looks for it."""

from typing import Any

import httpx
import pytest
from litestar import Litestar

from house import House
from nura_rt.people.sessions import session_routes
from nura_rt.problems import EXCEPTION_HANDLERS


@pytest.mark.parametrize(
    ("session_id", "answer"),
    [
        ("%00", (400, "/problems/invalid")),
        ("a%0A", (400, "/problems/invalid")),
        ("%ED%A0%80", (400, "/problems/invalid")),
        ("x" * 129, (400, "/problems/invalid")),
        ("nobodys-session", (404, "/problems/not-found")),
    ],
)
async def test_what_can_be_no_id_is_refused(house: House, session_id: str, answer: tuple[int, str]) -> None:
    person = await house.newcomer()
    app: Any = Litestar(
        session_routes(house.local._identify, house.sessions),
        openapi_config=None,
        logging_config=None,
        exception_handlers=EXCEPTION_HANDLERS,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://nura.test") as http:
        got = await http.delete(
            f"/v1/me/sessions/{session_id}", headers={"Authorization": f"Bearer {person.access_token}"}
        )

    assert (got.status_code, got.json()["type"]) == answer
