"""Ways of not being root."""

import os
from pathlib import Path

import pytest

from nura_rt.embedded import privileges
from nura_rt.embedded.errors import StackError
from nura_rt.embedded.privileges import Privileges

AS_ROOT = os.geteuid() == 0
HERE = Privileges("directly", os.geteuid(), os.getegid())


def test_the_way_found_is_the_first_that_works(tmp_path: Path) -> None:
    found = privileges.find(tmp_path, [Path("/bin/ls")])

    complaints = [privileges.probe(way, tmp_path, [Path("/bin/ls")]) for way in privileges.ways(tmp_path)]
    assert found == privileges.ways(tmp_path)[complaints.index(None)]


def test_children_are_never_root(tmp_path: Path) -> None:
    found = privileges.find(tmp_path, [])

    assert found.name != "directly" or not AS_ROOT
    assert (privileges.probe(HERE, tmp_path, []) is None) is not AS_ROOT


def test_a_program_nobody_can_run_names_what_each_way_lacks(tmp_path: Path) -> None:
    with pytest.raises(StackError) as raised:
        privileges.find(tmp_path, [tmp_path / "absent"])

    for way in privileges.ways(tmp_path):
        assert f"{way.name}: " in str(raised.value)
    assert "set SUPABASE_DATABASE_URL" in str(raised.value)


def test_an_unreachable_folder_is_a_complaint(tmp_path: Path) -> None:
    complaint = privileges.probe(privileges.find(tmp_path, []), tmp_path / "absent", [])

    assert complaint is not None
    assert "absent" in complaint


def test_a_missing_wrapper_is_a_complaint(tmp_path: Path) -> None:
    way = Privileges("broken", 1, 1, prefix=(str(tmp_path / "no-setpriv"),))

    assert "No such file" in str(privileges.probe(way, tmp_path, []))


def test_root_acts_for_the_owner_of_the_folder(tmp_path: Path) -> None:
    owner = 12345 if AS_ROOT else os.geteuid()
    folder = tmp_path / "owned"
    folder.mkdir()
    os.chown(folder, owner, -1)

    assert privileges.ways(folder)[0].uid == owner
    assert 0 not in {way.uid for way in privileges.ways(folder) if way.name != "user namespace"}
