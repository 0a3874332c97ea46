"""sql/schema.sql is what the migrations add up to."""

import re

from databases import Database
from schema_picture import SCHEMA_FILE, picture


async def test_the_picture_is_up_to_date(database: Database) -> None:
    assert picture(database.admin_url) == SCHEMA_FILE.read_text("utf-8"), "run `make schema`"


async def test_the_picture_is_the_same_each_time(database: Database) -> None:
    assert picture(database.admin_url) == picture(database.admin_url)


def test_the_picture_shows_what_matters_and_no_more() -> None:
    text = SCHEMA_FILE.read_text("utf-8")

    for part in ("FORCE ROW LEVEL SECURITY", "CREATE POLICY own_rows", "GRANT SELECT", "CREATE INDEX"):
        assert part in text
    assert not re.search(r"^(SET |SELECT |\\|-- Dumped)|OWNER TO", text, re.MULTILINE)
