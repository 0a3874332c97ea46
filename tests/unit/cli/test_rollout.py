"""The check of a rollout: what is healthy, and a sentence for everything that is not."""

import argparse
import time
from pathlib import Path

import pytest

from nura_rt.cli import rollout
from nura_rt.cli.errors import UsageError


def options(check: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    rollout.add_arguments(parser)
    parser.add_argument("--allow-data-loss", action="store_true")
    return parser.parse_args([] if check is None else ["--rollback-on-unhealthy", check])


@pytest.mark.parametrize(
    ("command", "trouble"),
    [
        (["true"], None),
        (["false"], "exit code 1"),
        (["sh", "-c", "exit 3"], "exit code 3"),
        (["sh", "-c", "kill -TERM $$"], "signal 15"),
        (["/no/such/program", "--now"], "/no/such/program cannot be started: No such file or directory"),
        (["/"], "/ cannot be started: Permission denied"),
        (["sleep", "60"], "no end within 0.3 s"),
        (["sh", "-c", "read line"], "exit code 1"),  # nobody types anything
    ],
)
def test_healthy_is_what_ends_with_0_in_time(command: list[str], trouble: str | None) -> None:
    assert rollout.ask(command, timeout_s=0.3 if "sleep" in command else 30) == trouble


def test_a_timeout_ends_the_children_too(tmp_path: Path) -> None:
    mark = tmp_path / "late"

    rollout.ask(["sh", "-c", f"(sleep 1; touch {mark}) & wait"], timeout_s=0.2)
    time.sleep(1.2)

    assert not mark.exists()


@pytest.mark.parametrize("check", ["", "  ", "sh -c 'open"])
def test_a_check_that_is_no_command_is_refused(check: str) -> None:
    with pytest.raises(UsageError, match="--rollback-on-unhealthy: must be a command line"):
        rollout.checked(options(check))


def test_the_words_are_those_of_a_shell_without_one() -> None:
    found = rollout.checked(options("curl -f 'http://x/a b' $(id) | cat"))

    assert found is not None
    assert found.command == ["curl", "-f", "http://x/a b", "$(id)", "|", "cat"]
    assert (found.timeout_s, found.allow_data_loss) == (60, False)


def test_no_check_is_none() -> None:
    assert rollout.checked(options(None)) is None
