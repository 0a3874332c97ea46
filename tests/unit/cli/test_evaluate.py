"""`nura-rt evaluate`: reports, gates that can be missed, and wrong arguments that say what is wrong."""

import json
from pathlib import Path

import pytest

from nura_rt.__main__ import main

CRISES = [
    {"text": "I want to kill myself", "level": "high", "category": "explicit", "split": "test"},
    {"text": "my phone is about to die", "level": "none", "category": "idiom", "split": "test"},
    {"text": "nothing here says so", "level": "critical", "category": "riddle", "split": "dev"},
]
NUMBERS = [{"text": "mail ann@example.org", "spans": [{"type": "EMAIL", "start": 5, "end": 20}]}]


def run(tmp_path: Path, *arguments: str, lines: object = CRISES) -> int:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")  # type: ignore[call-overload]
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *arguments, str(path)])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        ("recall-high:explicit=1.0", 0),
        ("recall-moderate:all=0.9", 1),
        ("recall-moderate:explicit,riddle=0.5", 0),
        ("recall-moderate:explicit,riddle=0.51", 1),
        ("flagged:all=0", 0),
    ],
)
def test_a_crisis_gate_is_held_or_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gate: str, code: int
) -> None:
    assert run(tmp_path, "crisis", "--gate", gate) == code

    told = capsys.readouterr()
    assert ("missed" if code else "held") in told.err
    assert "explicit" in told.out


def test_only_the_split_that_is_asked_for_counts(tmp_path: Path) -> None:
    assert run(tmp_path, "crisis", "--split", "test", "--gate", "recall-moderate:all=1.0") == 0


@pytest.mark.parametrize(
    ("gate", "code"),
    [("recall:EMAIL=1.0", 0), ("false-per-1000:all=0", 0)],
)
def test_a_pii_gate_is_held(tmp_path: Path, gate: str, code: int) -> None:
    assert run(tmp_path, "pii", "--gate", gate, lines=NUMBERS) == code


def test_pii_gates_can_be_missed(tmp_path: Path) -> None:
    unlabelled = [
        {"text": "mail ann@example.org"},
        {"text": "Zzyx", "spans": [{"type": "EMAIL", "start": 0, "end": 4}]},
    ]

    assert run(tmp_path, "pii", "--gate", "recall:EMAIL=0.5", lines=unlabelled) == 1
    assert run(tmp_path, "pii", "--gate", "false-per-1000:all=499", lines=unlabelled) == 1


def test_a_report_can_be_read_by_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, "crisis", "--json")

    assert json.loads(capsys.readouterr().out)["outcomes"][0] == ["explicit", "high", "high"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["crisis", "--gate", "recall-high:explicit"], "must look like"),
        (["crisis", "--gate", "recall:explicit=1"], "must begin with one of"),
        (["crisis", "--gate", "flagged:all=2"], "a number from 0 to 1"),
        (["pii", "--gate", "recall:all=1"], "must name the types"),
        (["crisis", "--gate", "recall-high:nowhere=1"], "no case of category nowhere"),
        (["pii", "--gate", "recall:EMAIL=1"], "no value of type EMAIL"),
        (["crisis", "--split", "none"], "no case in it with split none"),
        (["mood"], "invalid choice"),
        (["crisis", "missing.jsonl"], "missing.jsonl: No such file"),
    ],
)
def test_wrong_arguments_exit_with_two_and_say_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(tmp_path, *arguments) == 2

    assert says in capsys.readouterr().err
