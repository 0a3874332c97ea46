"""The stack's rules that need no server."""

import threading
from pathlib import Path

import pytest

from nura_rt.embedded import lock, stack
from nura_rt.embedded.stack import Addresses, StackBusy, StackError


def test_wanting_no_store_touches_nothing(tmp_path: Path) -> None:
    stores = stack.start(tmp_path / "data", database=False, redis=False)
    stores.stop()

    assert stores.addresses == Addresses(None, None, None)
    assert not (tmp_path / "data").exists()


def test_a_start_outside_the_main_thread_is_refused(tmp_path: Path) -> None:
    raised: list[Exception] = []

    def begin() -> None:
        try:
            stack.start(tmp_path, database=True, redis=True)
        except StackError as error:
            raised.append(error)

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()

    assert "main thread" in str(raised[0])


def test_a_held_folder_is_busy(tmp_path: Path) -> None:
    held = lock.take(tmp_path)

    with pytest.raises(StackBusy, match="already running"):
        stack.start(tmp_path, database=True, redis=True)
    lock.release(held)


def test_a_failed_start_frees_the_folder(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()

    with pytest.raises(StackError, match="bin"):
        stack.start(tmp_path, database=True, redis=False, postgres_bin=tmp_path / "bin")
    assert lock.holder(tmp_path) is None


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(StackError, match=r"data.*NURA_DATA_DIR"):
        stack.start(tmp_path / "data", database=True, redis=True)


@pytest.mark.parametrize("note", [None, b"", b"{}", b'{"pid": 1, "addresses": {}}'])
def test_a_holder_that_has_not_told_its_addresses_is_not_running_yet(
    tmp_path: Path, note: bytes | None
) -> None:
    held = lock.take(tmp_path)
    if note is not None:
        (tmp_path / "stack.json").write_bytes(note)

    assert stack.running(tmp_path) is None
    lock.release(held)


def test_addresses_of_a_dead_stack_are_not_told(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_bytes(b'{"pid": 1, "addresses": {"redis_url": "unix:///x"}}')
    lock.release(lock.take(tmp_path))

    assert stack.running(tmp_path) is None


@pytest.mark.parametrize("name", ["absent", "file/inside"])
def test_a_folder_that_is_not_there_is_not_running(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")

    assert stack.running(tmp_path / name) is None
