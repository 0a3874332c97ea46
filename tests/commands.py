"""A command that is still running: what is told to it, what it says, and a kill."""

import os
import subprocess
import sys
from pathlib import Path

from servers import free_port

_OURS = ("NURA_", "LIMIT_", "SUPABASE_", "REDIS_")


def begin(*arguments: str, folder: Path, **environ: str) -> "subprocess.Popen[str]":
    """`nura-rt ARGUMENTS`, begun in a group of its own, with an environment that says only `environ`."""
    return subprocess.Popen(
        [sys.executable, "-m", "nura_rt", *arguments],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
            "NURA_DATA_DIR": str(folder),
            "NURA_PORT": str(free_port()),
            **environ,
        },
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
