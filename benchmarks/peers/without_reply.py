"""The peer "ours-alone": `nura-rt serve`, whole, but its worker leaves reply jobs where they are.

Peers keep one row for a message and answer nobody. Here too the message, its job and its event are screened,
kept and told as shipped; only the companion's answer (a second row and a dozen frames) is not written.
"""

from nura_rt.__main__ import main
from nura_rt.jobs.worker import Worker
from nura_rt.store.jobs import Job


def _leave(self: Worker, job: Job) -> None:
    """In the place of `Worker.take`."""


def leave_replies() -> None:
    """From now on this process runs no job."""
    Worker.take = _leave  # type: ignore[method-assign]


if __name__ == "__main__":
    leave_replies()
    main()
