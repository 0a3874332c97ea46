"""A process that owns embedded stores: `test_embedded.py` starts it, talks to it, kills it.

`serve FOLDER` prints the addresses as JSON and stops the stores when its input ends; `sleep FOLDER WAY`
prints the pid of a sleeping child that runs the given way.
"""

import os
import signal
import sys
from pathlib import Path

import msgspec

from nura_rt.embedded import child, privileges, stack


def serve(home: Path) -> None:
    stores = stack.start(home, database=True, redis=True)
    say(msgspec.json.encode(stores.addresses).decode())
    sys.stdin.read()
    stores.stop()


def sleep(home: Path, name: str) -> None:
    way = next(way for way in privileges.ways(home) if way.name == name)
    log = os.open(os.devnull, os.O_WRONLY)
    say(str(child.spawn("sleeper", ["/bin/sleep", "60"], way, log).pid))
    sys.stdin.read()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the test's to send; only our children may mind
    if sys.argv[1] == "serve":
        serve(Path(sys.argv[2]))
    else:
        sleep(Path(sys.argv[2]), sys.argv[3])
