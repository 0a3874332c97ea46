"""What processes cost: on-CPU nanoseconds from the scheduler, and the memory that is theirs.

The kernel counts schedstat for each thread, so a figure does not depend on the clock's ticks nor on who else runs.
"""

import os
from pathlib import Path

_PROC = Path("/proc")

Spent = dict[str, int]  # nanoseconds by thread


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.glob("[0-9]*"):
        if (parent := _parent(folder)) is not None:
            children.setdefault(parent, []).append(int(folder.name))
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def named(name: str) -> list[int]:
    """Our own descendants that run the program `name`, with all of theirs."""
    return [pid for pid in tree(os.getpid()) if _read(_PROC / str(pid) / "comm").strip() == name]


def spent(pids: list[int]) -> Spent:
    """On-CPU time so far of every thread of these processes."""
    found = {}
    for pid in pids:
        for thread in _PROC.glob(f"{pid}/task/*"):
            if fields := _read(thread / "schedstat").split():
                found[f"{pid}/{thread.name}"] = int(fields[0])
    return found


def seconds_between(before: Spent, after: Spent) -> float:
    """A thread that ended in between is missing from `after` and not counted."""
    return sum(now - before.get(thread, 0) for thread, now in after.items()) / 1e9


def memory_kib(pids: list[int]) -> int:
    """Proportional set size. Kernel socket buffers are not in it."""
    lines = [line for pid in pids for line in _read(_PROC / str(pid) / "smaps_rollup").splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def machine() -> str:
    """Cores, CPU model and memory, in one line."""
    models = [line for line in _read(_PROC / "cpuinfo").splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else "unknown CPU"
    total = int(_read(_PROC / "meminfo").split()[1]) // 1024**2
    return f"{os.cpu_count()} cores, {model}, {total} GiB, Linux {os.uname().release}"


def _parent(folder: Path) -> int | None:
    after_name = _read(folder / "stat").rpartition(")")[2].split()
    return int(after_name[1]) if len(after_name) > 1 else None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it ended meanwhile
        return ""
