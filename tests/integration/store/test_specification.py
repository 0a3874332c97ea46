"""The customer's 13 tables and 16 indexes, fact by fact, against the live schema. Columns of ours may join them."""

import json
import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest

SPECIFIED = json.loads((Path(__file__).parents[2] / "data" / "specification.json").read_text("utf-8"))
TABLES: dict[str, dict[str, Any]] = SPECIFIED["tables"]
INDEXES: dict[str, dict[str, Any]] = SPECIFIED["indexes"]

COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
       pg_get_expr(d.adbin, d.adrelid) AS default_value
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = ('public.' || $1)::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""
CONSTRAINTS = """
SELECT c.contype::text AS kind, c.confrelid::regclass::text AS target, c.confdeltype::text AS on_delete,
       (SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(c.conkey) WITH ORDINALITY k(number, place)
          JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number) AS columns,
       (SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(c.confkey) WITH ORDINALITY k(number, place)
          JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number) AS target_columns
  FROM pg_constraint c WHERE c.conrelid = ('public.' || $1)::regclass
"""
INDEXED = """
SELECT c.relname AS name, t.relname AS table, i.indpred IS NULL AND i.indexprs IS NULL AS whole,
       (SELECT array_agg(a.attname::text ORDER BY k.place)
          FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number) AS columns
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
 WHERE t.relnamespace = 'public'::regnamespace
"""
ON_DELETE = {"a": "NO ACTION", "c": "CASCADE", "n": "SET NULL"}


def plain(default: str | None) -> str | None:
    """A default as it is written: without the cast the server adds."""
    return None if default is None else re.sub(r"::[a-z ]+$|^public\.", "", default)


def test_the_list_is_whole() -> None:
    assert (len(TABLES), len(INDEXES)) == (13, 16)
    assert sum(len(table["columns"]) for table in TABLES.values()) == 174


@pytest.mark.parametrize("table", TABLES)
async def test_every_column_is_there_with_type_default_and_nullability(
    root: asyncpg.Connection, table: str
) -> None:
    live = {
        row["name"]: {
            "type": row["type"],
            "nullable": row["nullable"],
            "default": plain(row["default_value"]),
        }
        for row in await root.fetch(COLUMNS, table)
    }

    specified = TABLES[table]["columns"]
    assert {name: live.get(name) for name in specified} == specified


@pytest.mark.parametrize("table", TABLES)
async def test_a_column_of_ours_never_stops_an_insert_of_theirs(root: asyncpg.Connection, table: str) -> None:
    rows = await root.fetch(COLUMNS, table)
    demanding = {
        row["name"]
        for row in rows
        if row["name"] not in TABLES[table]["columns"]
        and not row["nullable"]
        and row["default_value"] is None
    }

    # a message without its place in the conversation would be lost to every reader
    assert demanding == ({"seq", "client_id"} if table == "messages" else set())


@pytest.mark.parametrize("table", TABLES)
async def test_keys_are_as_specified(root: asyncpg.Connection, table: str) -> None:
    rows = await root.fetch(CONSTRAINTS, table)

    primary = [row["columns"] for row in rows if row["kind"] == "p"]
    unique = [row["columns"] for row in rows if row["kind"] == "u"]
    assert primary == [[TABLES[table]["primary_key"]]]
    assert [columns for columns in TABLES[table]["unique"] if columns not in unique] == []


@pytest.mark.parametrize("table", TABLES)
async def test_references_are_as_specified(root: asyncpg.Connection, table: str) -> None:
    live = [
        {
            "column": row["columns"][0],
            "references": f"{row['target']}.{row['target_columns'][0]}",
            "on_delete": ON_DELETE[row["on_delete"]],
        }
        for row in await root.fetch(CONSTRAINTS, table)
        if row["kind"] == "f" and len(row["columns"]) == 1
    ]

    by_column = lambda reference: reference["column"]  # noqa: E731
    assert sorted(live, key=by_column) == sorted(TABLES[table]["foreign_keys"], key=by_column)


@pytest.mark.parametrize("index", INDEXES)
async def test_every_index_is_there_over_the_whole_table(root: asyncpg.Connection, index: str) -> None:
    live = {row["name"]: row for row in await root.fetch(INDEXED)}

    assert index in live
    assert {"table": live[index]["table"], "columns": live[index]["columns"]} == INDEXES[index]
    assert live[index]["whole"]


async def test_every_updated_at_is_kept_true_by_a_trigger(root: asyncpg.Connection) -> None:
    rows = await root.fetch(
        """
        SELECT a.attrelid::regclass::text AS name, count(t.oid) FILTER (WHERE t.tgenabled <> 'D') AS triggers
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
          LEFT JOIN pg_trigger t ON t.tgrelid = a.attrelid AND t.tgfoid = 'nura.touch_updated_at'::regproc
         WHERE a.attname = 'updated_at' AND c.relkind = 'r'
           AND c.relnamespace IN ('public'::regnamespace, 'nura'::regnamespace)
         GROUP BY 1
        """
    )

    assert len(rows) >= 9
    assert {row["name"] for row in rows if row["triggers"] != 1} == set()
