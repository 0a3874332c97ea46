"""The schema as one readable file: `python tests/schema_picture.py --write` draws sql/schema.sql from the migrations.

What pg_dump says of a fresh database, without versions, settings and owners, put together table by table.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from databases import scratch
from nura_rt.embedded import postgres, stack
from nura_rt.embedded.stack import Addresses

SCHEMA_FILE = Path(__file__).parent.parent / "sql" / "schema.sql"
_TITLE = "-- What the migrations add up to. Made by `make schema`; a test fails when it is out of date.\n"
_ENTRY = re.compile(r"^--\n-- Name: (.+); Type: (.+); Schema: (.+); Owner: .*\n--\n", re.MULTILINE)
_OF_TABLE = re.compile(r"\b(?:TABLE|ON)(?: ONLY)? ((?:public|nura)\.\w+)")
_COLUMN_GRANT = re.compile(r"^GRANT (\w+\(\w+\)(?:,\w+\(\w+\))*) ON TABLE (\S+) TO (\w+);$")
_KINDS = (
    "TABLE",
    "SEQUENCE",
    "CONSTRAINT",
    "FK CONSTRAINT",
    "INDEX",
    "TRIGGER",
    "ROW SECURITY",
    "POLICY",
    "ACL",
)
_SHORT = {"character varying": "varchar", "timestamp with time zone": "timestamptz"}


def picture(admin_dsn: str) -> str:
    """The schemas `public` and `nura` of this database: types and functions, then each table with all it has."""
    loose: list[str] = []
    tables: dict[str, list[tuple[int, str]]] = defaultdict(list)
    parts = _ENTRY.split(_dump(admin_dsn))
    for _, kind, _, text in zip(*(parts[at::4] for at in (1, 2, 3, 4)), strict=True):
        body = _tidy(text)
        found = _OF_TABLE.search(body) if kind in _KINDS else None
        if found:
            lines = body.splitlines() if kind == "ACL" else [body if kind == "TABLE" else _one_line(body)]
            tables[found[1]] += [(_KINDS.index(kind), line) for line in lines]
        elif body != "CREATE SCHEMA public;":
            loose.append(body)
    chapters = ["\n\n".join(loose)]
    for name in sorted(tables, key=lambda name: (name.startswith("nura."), name)):
        lines = _merge_grants([line for _, line in sorted(tables[name])])
        chapters.append("\n".join([f"-- {name}", *lines]))
    return _TITLE + "\n" + "\n\n".join(chapters) + "\n"


def _dump(admin_dsn: str) -> str:
    given = os.environ.get("NURA_TEST_PG", "").strip()  # the embedded one cannot speak TLS
    program = str((Path(given) if given else postgres.find_binaries()) / "pg_dump")
    options = ["--schema-only", "--no-owner", "--no-comments", "--schema=public", "--schema=nura"]
    run = subprocess.run([program, *options, admin_dsn], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def _tidy(text: str) -> str:
    """Without settings and pg_dump's own words, in short names."""
    kept = [line for line in text.splitlines() if not re.match(r"--|\\(un)?restrict|SET (?!NOT)", line)]
    body = "\n".join(kept).strip().replace("\t", "    ")
    for long, short in _SHORT.items():
        body = body.replace(long, short)
    return re.sub(r"\n{2,}", "\n", body)


def _one_line(body: str) -> str:
    return re.sub(r"\n\s*", " ", body)


def _merge_grants(lines: list[str]) -> list[str]:
    """pg_dump grants column by column; one line for each privilege of each role reads better."""
    merged: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    others = []
    for line in lines:
        if grant := _COLUMN_GRANT.match(line):
            for privilege, column in re.findall(r"(\w+)\((\w+)\)", grant[1]):
                merged[privilege, grant[2], grant[3]].append(column)
        else:
            others.append(line)
    return others + [
        f"GRANT {privilege} ({', '.join(sorted(columns))}) ON TABLE {table} TO {role};"
        for (privilege, table, role), columns in sorted(merged.items())
    ]


async def _of_scratch(stores: Addresses) -> str:
    async with scratch(stores, migrated=True) as database:
        return picture(database.admin_url)


def drawn() -> str:
    """The picture of the migrations as they are now, from a server of its own."""
    with tempfile.TemporaryDirectory(prefix="nura-schema-") as folder:
        started = stack.start(Path(folder) / "stores", database=True, redis=False)
        try:
            return asyncio.run(_of_scratch(started.addresses))
        finally:
            started.stop()


def main() -> int:
    """Writes the file, or says whether it is up to date."""
    parser = argparse.ArgumentParser(description="draw sql/schema.sql from the migrations")
    parser.add_argument("--write", action="store_true", help="write sql/schema.sql")
    write = parser.parse_args().write
    text = drawn()
    if write:
        SCHEMA_FILE.write_text(text, "utf-8")
        return 0
    same = SCHEMA_FILE.exists() and SCHEMA_FILE.read_text("utf-8") == text
    sys.stdout.write(f"sql/schema.sql is {'up to date' if same else 'out of date: run `make schema`'}\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
