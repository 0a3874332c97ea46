"""`nura-rt migrate from-legacy`: people from an earlier table; the report on stdout, progress on stderr, no values."""

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime

import msgspec

from nura_rt import addresses
from nura_rt.cli import rollout, stores
from nura_rt.cli.errors import UsageError
from nura_rt.conversation.support import SupportCards
from nura_rt.conversation.words import Words
from nura_rt.people import legacy_mapping
from nura_rt.people.legacy_import import Import, Report
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.safety.resources import Resources
from nura_rt.settings import Settings
from nura_rt.store import legacy, legacy_source, pool
from nura_rt.store.legacy_source import LegacyError

_EVERY_S = 1.0
_DESCRIPTION = (
    "Moves people from one wide table into users and user_service_profiles, in batches; a run that was cut off "
    "continues, a later run moves only what changed since (by the watermark column). Run it until cut-over, and once "
    "more when nothing writes to the legacy table any longer. Columns read: id (a UUID stays itself; any other id "
    "becomes the same UUID each time), "
    + ", ".join("/".join(reversed(names)) for names in legacy_mapping.COLUMNS.values())
    + ", and SERVICE_preferences, SERVICE_metadata, SERVICE_usage for each service. Other columns are listed in the "
    "report. Words are screened like any others: what worries leaves a crisis event and, unless the row was last "
    "changed more than 30 days ago, a support card. An address that is missing, no address or somebody else's becomes "
    "<id>@no-email.invalid. On a large table an index on the watermark column's expression helps. The password may "
    "come from ~/.pgpass."
)


def add_parser(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `migrate from-legacy`."""
    parser = steps.add_parser("from-legacy", help="move people from a legacy table", description=_DESCRIPTION)
    parser.add_argument("--dsn", required=True, help="address of the legacy database; it is only read")
    parser.add_argument("--table", default="legacy_users", help="NAME or SCHEMA.NAME (default: legacy_users)")
    parser.add_argument(
        "--batch", type=_batch, default=500, help="rows in a transaction, 1 to 5000 (default: 500)"
    )
    parser.add_argument("--dry-run", action="store_true", help="read and report, write nothing")
    parser.add_argument(
        "--watermark-column", metavar="NAME", help="tells when a row was changed (default: updated_at)"
    )
    parser.add_argument(
        "--since-watermark",
        metavar="TIME",
        type=_time,
        help="look again at rows changed since then (ISO 8601)",
    )
    parser.add_argument("--json", action="store_true", help="the report for scripts")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Moves, and prints the report."""
    _refuse_plaintext(options.dsn, settings)
    if settings.db_pooler == "transaction" and "import" not in settings.dsns:
        raise UsageError(
            "NURA_DSN_IMPORT: must be a direct address: an import holds a lock for as long as it runs"
        )
    with stores.database(settings) as found:
        url = settings.dsns.get("import") or stores.require(found.database_url, "SUPABASE_DATABASE_URL")
        try:
            report = asyncio.run(_move(options, url))
        except LegacyError as error:
            raise UsageError(str(error)) from None
    print(msgspec.json.encode(report).decode() if options.json else _sheet(report))
    return 0


def _refuse_plaintext(dsn: str, settings: Settings) -> None:
    try:
        addresses.require_address(dsn, "postgresql", "postgres")
    except ValueError:
        raise UsageError("--dsn: must be postgresql://user:password@host:port/name, percent-quoted") from None
    strict = settings.env == "production" and not settings.allow_plaintext_stores
    if strict and not addresses.is_private(dsn):
        raise UsageError(
            "--dsn: needs verified TLS (?sslmode=verify-full), a unix socket or ALLOW_PLAINTEXT_STORES"
        )


async def _move(options: argparse.Namespace, url: str) -> Report:
    source = await legacy_source.connect(options.dsn, options.table)
    try:
        watermark = _follow(source, options.watermark_column)
        conn = await pool.connect(url, "nura_import")
        try:
            if not await legacy.take(conn, source.name):
                raise UsageError(f"--table: another run moves {source.name} now; wait for its end")
            plan = legacy_mapping.plan(source.columns, watermark=watermark)
            moving = Import(conn, source, plan, _words(), dry=options.dry_run)
            progress = _Progress((await source.totals()).rows)
            return await moving.run(
                since=options.since_watermark, batch=options.batch, progress=progress.tell
            )
        finally:
            await conn.close()
    finally:
        await source.close()


def _words() -> Words:
    """As a server's, but nobody is connected: a card waits for its person's next hello."""
    return Words(Pipeline.load(), SupportCards(None, Resources.load().anywhere))


def _follow(source: legacy_source.Source, given: str | None) -> str:
    """The watermark column: the one that was named must tell the time; the usual one may be missing."""
    if given is not None and not source.is_time(given):
        raise UsageError("--watermark-column: must be a column of the table that holds a time or a date")
    source.follow(given or "updated_at", "created_at")
    return given or "updated_at"


class _Progress:
    """One line on stderr a second, over itself on a terminal."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._last = 0.0

    def tell(self, report: Report) -> None:
        """Rows read so far; an incremental run reads fewer than there are."""
        now = time.monotonic()
        if now - self._last >= _EVERY_S:
            self._last = now
            end = "\r" if sys.stderr.isatty() else "\n"
            print(f"read {report.read} of at most {self._rows} rows", end=end, file=sys.stderr, flush=True)


def _sheet(report: Report) -> str:
    """For people: one line per count, rule and unknown column."""
    counts = ("read", "inserted", "updated", "unchanged", "skipped", "profiles")
    lines = [f"{report.source}{': a dry run, nothing was written' if report.dry_run else ''}"]
    lines += [f"{getattr(report, name):>9} {name}" for name in counts]
    lines += [f"{count:>9} by rule {name}" for name, count in report.reasons.items()]
    if report.unknown_columns:
        lines.append(f"not read: {', '.join(report.unknown_columns)}")
    if report.watermark is not None:
        lines.append(f"up to {report.watermark.isoformat()}")
    return "\n".join(lines)


def _batch(text: str) -> int:
    number = rollout.positive(text)
    if number > 5_000:
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 5000")
    return number


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(at, legacy_source.EPOCH)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("must be a time such as 2026-01-31T12:00:00Z") from None
