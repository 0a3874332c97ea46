"""How a child runs with a user id other than 0: PostgreSQL refuses to run as root.

No user is created and no folder opened up for it; each way is tried on the real binaries before it is used.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import TypedDict

import msgspec

from nura_rt.embedded.errors import StackError

_NOBODY = 65534
# Fails unless this way gives a named user that is not root, enters the data folder and runs each binary.
_PROBE = """
id -un >/dev/null && test "$(id -u)" -ne 0 && cd "$1" || exit 1
shift
for each; do
  "$each" --version || exit 1
  # initdb looks for its postgres by access(2), which knows nothing of capabilities
  case "$each" in */postgres) "${each%/*}/initdb" -s -D /nonexistent -U postgres || exit 1;; esac
done
"""
_PROBE_SECONDS = 10


class UserSwitch(TypedDict, total=False):
    """Keyword arguments of Popen that change the user of the child."""

    user: int
    group: int
    extra_groups: list[int]


class Privileges(msgspec.Struct, frozen=True):
    """One way of running children: what goes before a command, and who owns the files they write."""

    name: str
    uid: int  # the owner of the children's files, as seen from here
    gid: int
    prefix: tuple[str, ...] = ()
    by_popen: bool = False  # no program does the switch: Popen itself becomes uid and gid

    def switch_user(self) -> UserSwitch:
        """What to pass to Popen beside the prefix."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.by_popen else {}


def find(home: Path, binaries: list[Path]) -> Privileges:
    """The first way that can enter `home` and run `binaries`. Raises StackError: what each way lacks."""
    lacking: list[str] = []
    for way in ways(home):
        complaint = probe(way, home, binaries)
        if complaint is None:
            return way
        lacking.append(f"{way.name}: {complaint}")
    advice = "Start as an ordinary user" if os.geteuid() == 0 else "Start as a user that has a name"
    raise StackError(
        f"The embedded servers cannot be started ({'; '.join(lacking)}). "
        f"{advice}, or set SUPABASE_DATABASE_URL and REDIS_URL to servers of your own."
    )


def ways(home: Path) -> list[Privileges]:
    """Every way this user might run children, the preferred first. Root acts for the owner of `home`."""
    me, group = os.geteuid(), os.getegid()
    if me != 0:
        # The namespace is for a user id without a name (a container's), which initdb refuses.
        return [Privileges("directly", me, group), *_by_namespace(me, group)]
    owner = home.stat()
    uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid != 0 else _nobody()
    return [
        # Enough to walk through a 0700 home; a default container grants only the second, wider one.
        *_by_capability("dac_read_search", uid, gid),
        *_by_capability("dac_override", uid, gid),
        *_by_namespace(0, 0),
        Privileges(f"as user {uid}", uid, gid, by_popen=True),
    ]


def probe(way: Privileges, home: Path, binaries: list[Path]) -> str | None:
    """None when `way` works, else the reason in one line."""
    command = [*way.prefix, "/bin/sh", "-c", _PROBE, "sh", str(home), *map(str, binaries)]
    try:
        done = subprocess.run(
            command,
            cwd="/",
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=False,
            **way.switch_user(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"


def _by_capability(capability: str, uid: int, gid: int) -> list[Privileges]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    prefix = (
        setpriv,
        # The kernel forgets the death signal when the user changes, so it is set after that.
        *("--pdeathsig", "INT"),
        *(f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs"),
        *(f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"),
    )
    return [Privileges(f"setpriv with {capability}", uid, gid, prefix)]


def _by_namespace(uid: int, gid: int) -> list[Privileges]:
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    inside_uid, inside_gid = _nobody()
    prefix = (unshare, "--user", f"--map-user={inside_uid}", f"--map-group={inside_gid}")
    return [Privileges("user namespace", uid, gid, prefix)]


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return _NOBODY, _NOBODY
    return entry.pw_uid, entry.pw_gid
