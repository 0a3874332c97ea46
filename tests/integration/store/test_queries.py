"""Every SQL literal of the store, against the migrated schema, as the role that its docstring names."""

import ast
import importlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from databases import Database, scratch
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate, pool

STORE = Path(pool.__file__).parent
# These make the schema and the connections, or speak to another schema than ours.
NOT_TABLES = {"__init__", "bootstrap", "legacy_source", "losses", "migrate", "pool", "seeding"}
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s+\D")  # "UPDATE 1" is an answer
ROLES = {
    "person": "nura_app",
    "writer": "nura_writer",
    "door": "nura_door",
    "worker": "nura_worker",
    "app": "nura_app",
    "nura_auth": "nura_auth",
    "nura_import": "nura_import",
}
NAMED = re.compile(r"\bas (?:the |a )?`?(\w+)`?", re.IGNORECASE)


class Query(msgspec.Struct, frozen=True):
    """One literal: where it stands, as whom it runs, and the struct its rows become."""

    where: str
    sql: str
    role: str | None
    struct: str | None


def named_role(*docstrings: str | None) -> str | None:
    """The first role a docstring names: the function's own before its module's."""
    for text in docstrings:
        for word in NAMED.findall(text or ""):
            if word in ROLES:
                return ROLES[word]
    return None


def literals(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.match(node.value):
            yield node.value


def struct_of(function: ast.AST) -> str | None:
    """The struct made as `Name(**row)`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and any(keyword.arg is None for keyword in node.keywords):
            return ast.unparse(node.func)
    return None


def queries_of(path: Path) -> Iterator[Query]:
    tree = ast.parse(path.read_text("utf-8"))
    constants = {
        node.targets[0].id: next(literals(node), None)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in tree.body:
        if not isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            continue
        names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        used = [sql for name, sql in constants.items() if sql is not None and name in names]
        role = named_role(ast.get_docstring(node), ast.get_docstring(tree))
        for sql in [*used, *literals(node)]:
            yield Query(f"{path.stem}.{node.name}", sql, role, struct_of(node))


MODULES = sorted(path for path in STORE.glob("*.py") if path.stem not in NOT_TABLES)
LOADED: dict[str, Any] = {
    path.stem: importlib.import_module(f"nura_rt.store.{path.stem}") for path in MODULES
}
QUERIES = [query for path in MODULES for query in queries_of(path)]


@pytest.fixture(scope="module")
async def known(stores: Addresses) -> AsyncIterator[Database]:
    """Migrated, and with what Supabase brings along."""
    async with scratch(stores, migrated=True) as made:
        conn = await asyncpg.connect(made.admin_url)
        await conn.execute("CREATE TABLE auth.sessions (id uuid PRIMARY KEY, user_id uuid NOT NULL)")
        await conn.close()
        await migrate.bootstrap(made.admin_url, database=None, login="nura", password=None)
        yield made


def test_every_literal_is_found() -> None:
    everywhere = sum(len(list(literals(ast.parse(path.read_text("utf-8"))))) for path in MODULES)

    assert len(QUERIES) == everywhere >= 18


def test_a_docstring_names_the_role_of_every_query() -> None:
    """Say `Runs as …` in the function's or the module's docstring."""
    assert {query.where for query in QUERIES if query.role is None} == set()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
async def test_a_query_fits_the_schema_and_its_struct(known: Database, query: Query) -> None:
    conn = await pool.connect(known.url, query.role or "nura_worker")
    try:
        columns = [attribute.name for attribute in (await conn.prepare(query.sql)).get_attributes()]
    finally:
        await conn.close()

    if query.struct is not None:
        struct = getattr(LOADED[query.where.split(".")[0]], query.struct)
        assert sorted(columns) == sorted(struct.__struct_fields__)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
async def test_the_role_may_do_what_the_query_does(known: Database, query: Query) -> None:
    """PREPARE asks for no permission; planning and starting does, and EXPLAIN stops there."""
    conn = await pool.connect(known.url, query.role or "nura_worker")
    try:
        role = await conn.fetchval("SHOW role")
        outcome = await explained(conn, query.sql)
    finally:
        await conn.close()

    assert role == (query.role or "nura_worker")
    assert outcome is None


async def explained(conn: asyncpg.Connection, sql: str) -> str | None:
    try:
        # not EXPLAIN (GENERIC_PLAN), which PostgreSQL 15 does not have
        await conn.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE asked AS {sql}")
        taken = await conn.fetchval(
            "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'asked'"
        )
        values = ", ".join(["NULL"] * taken)
        await conn.execute(f"EXPLAIN EXECUTE asked{f'({values})' if taken else ''}")
    except asyncpg.InsufficientPrivilegeError as error:
        return str(error)
    return None
