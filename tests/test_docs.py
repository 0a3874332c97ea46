"""What is written about the product is all of it, and true."""

import re
from pathlib import Path

import pytest

from nura_rt import settings
from nura_rt.settings import Limits, Settings, Variable

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
LINES = re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE)


@pytest.mark.parametrize("variable", settings.VARIABLES, ids=lambda variable: variable.name)
def test_every_setting_stands_in_the_example_with_its_default_and_meaning(variable: Variable) -> None:
    assert (variable.name, variable.default) in LINES
    assert f"# {variable.help} ({variable.kind.rule})\n#{variable.name}=" in EXAMPLE


def test_the_example_names_nothing_twice_and_nothing_unknown() -> None:
    assert sorted(name for name, _ in LINES) == sorted(variable.name for variable in settings.VARIABLES)


def test_the_example_as_it_is_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    copy.write_text(EXAMPLE)

    assert settings.load({}, dotenv=copy) == settings.load({}, dotenv=None)


def test_the_example_with_every_line_in_force_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    copy.write_text(re.sub(r"^#([A-Z_]+=)", r"\1", EXAMPLE, flags=re.MULTILINE))

    assert settings.load({}, dotenv=copy) == settings.load({}, dotenv=None)


def test_every_field_has_its_variable() -> None:
    named = {variable.field for variable in settings.GENERAL + settings.LIMITS}

    assert named == set(Settings.__struct_fields__) - {"limits"} | set(Limits.__struct_fields__)
