"""`nura-rt migrate up --rollback-on-unhealthy CMD`: what this run applied is taken back when CMD does not end with 0.

Whether that could lose rows is asked before anything is applied. CMD runs even when there was nothing to apply, so
that a run repeated after a crash still says what is true; then there is nothing to take back.
"""

import argparse
import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys

import msgspec

from nura_rt.cli.errors import UsageError
from nura_rt.store import migrate
from nura_rt.store.losses import losses
from nura_rt.store.migrate import MigrationError

DESCRIPTION = (
    "Applies what is missing. With --rollback-on-unhealthy CMD, CMD then says whether all is well: exit code 0 is "
    "healthy; another one, a signal, a program that is not there or a timeout is not, and what this run applied is "
    "taken back, newest first (exit code 1). CMD runs even when nothing was to be applied. A migration that drops "
    "or truncates a table or column which held rows before the run, or that says `-- destructive`, could not be "
    "taken back whole: it needs --allow-data-loss, or nothing is applied (exit code 2). What is written meanwhile "
    "into tables that this run made goes with them."
)
_OPTION = "--rollback-on-unhealthy"


class Checked(msgspec.Struct, frozen=True):
    """How to know that all is well: the words of a command, seconds, and whether rows may be lost on the way back."""

    command: list[str]
    timeout_s: int
    allow_data_loss: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `migrate up` that are ours."""
    parser.add_argument(_OPTION, metavar="CMD", help="take back what was applied when CMD (no shell) fails")
    parser.add_argument(
        "--health-timeout", metavar="S", type=positive, default=60, help="seconds CMD may take (default: 60)"
    )


def positive(text: str) -> int:
    """A whole number from 1, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


def checked(options: argparse.Namespace) -> Checked | None:
    """None where no check was asked for; UsageError for a command that is none."""
    if options.rollback_on_unhealthy is None:
        return None
    try:
        words = shlex.split(options.rollback_on_unhealthy)
    except ValueError:
        words = []
    if not words:
        raise UsageError(f"{_OPTION}: must be a command line, quoted as for a shell")
    return Checked(words, options.health_timeout, options.allow_data_loss)


def up(dsn: str, check: Checked) -> int:
    """Applies, asks, and takes back where the answer is bad; 0 or 1. Killed on the way, `status` tells the truth."""
    if not check.allow_data_loss and (lost := asyncio.run(losses(dsn))):
        raise UsageError(
            f"--allow-data-loss: {'; '.join(lost)} could not be taken back without losing rows; nothing was applied"
        )
    try:
        applied = asyncio.run(migrate.up(dsn))
    except MigrationError as error:
        if not error.done:
            raise
        raise MigrationError(f"{error}; {asyncio.run(_take_back(dsn, error.done))}") from error
    said = f"applied {', '.join(applied)}" if applied else "nothing to apply"
    print(said, flush=True)  # before the command's own output
    try:
        trouble = ask(check.command, timeout_s=check.timeout_s)
    except KeyboardInterrupt:
        print("nura-rt: interrupted; what was applied stays: nura-rt migrate status", file=sys.stderr)
        raise
    if trouble is None:
        print("healthy")
        return 0
    back = asyncio.run(_take_back(dsn, applied)) if applied else "this run applied nothing to take back"
    print(f"nura-rt: unhealthy ({trouble}): {back}", file=sys.stderr)
    return 1


async def _take_back(dsn: str, versions: list[str]) -> str:
    """A phrase that says which were rolled back, and why some were not."""
    try:
        taken, why = await migrate.take_back(dsn, versions), ""
    except MigrationError as error:
        taken, why = error.done, f"; {error}"
    return f"rolled back {', '.join(taken) or 'nothing'}{why}"


def ask(command: list[str], *, timeout_s: float) -> str | None:
    """Runs the command to its end, its output passed through; None when healthy, else why not."""
    try:
        # the operator's own words, without a shell; a group of its own, so that a timeout ends its children too
        started = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    except OSError as error:
        return f"{command[0]} cannot be started: {error.strerror}"
    try:
        code = started.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _end(started)
        return f"no end within {timeout_s} s"
    except BaseException:
        _end(started)
        raise
    if code < 0:
        return f"signal {-code}"
    return f"exit code {code}" if code else None


def _end(started: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()
