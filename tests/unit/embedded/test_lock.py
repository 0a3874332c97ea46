"""The lock file of a data folder."""

import fcntl
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from nura_rt.embedded import lock
from nura_rt.embedded.errors import StackBusy


def test_a_taken_folder_names_its_holder(tmp_path: Path) -> None:
    held = lock.take(tmp_path)

    with pytest.raises(StackBusy, match=f"already running on this data .pid {os.getpid()}."):
        lock.take(tmp_path)
    assert lock.holder(tmp_path) == os.getpid()
    lock.release(held)


def test_a_released_folder_can_be_taken_again(tmp_path: Path) -> None:
    lock.release(lock.take(tmp_path))

    assert lock.holder(tmp_path) is None
    lock.release(lock.take(tmp_path))


def test_a_pid_left_in_the_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / lock.LOCK_NAME).write_text(str(os.getpid()))

    assert lock.holder(tmp_path) is None


def test_a_folder_that_was_never_used_has_no_holder(tmp_path: Path) -> None:
    assert lock.holder(tmp_path / "nothing") is None


def test_a_look_at_the_holder_does_not_make_a_start_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock.release(lock.take(tmp_path))
    look = os.open(tmp_path / lock.LOCK_NAME, os.O_RDONLY)
    fcntl.flock(look, fcntl.LOCK_SH)
    left_s = [0.03]

    def pause(seconds: float) -> None:
        """Time passes only here, so that the look lasts as long on any machine."""
        left_s.append(left_s[-1] - seconds)
        if left_s[-1] <= 0 < left_s[-2]:
            os.close(look)

    monkeypatch.setattr(lock, "time", SimpleNamespace(sleep=pause))

    held = lock.take(tmp_path)

    assert lock.holder(tmp_path) == os.getpid()
    lock.release(held)


def test_the_lock_file_is_private_and_never_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("kept")
    (tmp_path / lock.LOCK_NAME).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic link"):
        lock.take(tmp_path)
    assert (tmp_path / "elsewhere").read_text() == "kept"
