"""Says in one sentence what a machine lacks before `make install` begins. Runs on any Python 3."""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "Nura RT needs Python 3.11 or newer; this is %d.%d. Install one and call: make PY=python3.11"
        % sys.version_info[:2]
    )
try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401
except ImportError:
    sys.exit(
        "This Python has no venv. On Debian or Ubuntu: sudo apt install python3-venv. "
        "Or choose another Python: make PY=/path/to/python3"
    )
