"""What is written about the product is all of it, and true."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from nura_rt import settings, variables
from nura_rt.protocol import client, server
from nura_rt.protocol.errors import Close, Code
from nura_rt.settings import Limits, Settings
from nura_rt.variables import Variable

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
LINES = re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE)


@pytest.mark.parametrize("variable", variables.VARIABLES, ids=lambda variable: variable.name)
def test_every_setting_stands_in_the_example_with_its_default_and_meaning(variable: Variable) -> None:
    assert (variable.name, variable.default) in LINES
    assert f"# {variable.help} ({variable.kind.rule})\n#{variable.name}=" in EXAMPLE


def test_the_example_names_nothing_twice_and_nothing_unknown() -> None:
    assert sorted(name for name, _ in LINES) == sorted(variable.name for variable in variables.VARIABLES)


def test_the_example_as_it_is_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    copy.write_text(EXAMPLE)

    assert settings.load({}, dotenv=copy) == settings.load({}, dotenv=None)


def test_the_example_with_every_line_in_force_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    copy.write_text(re.sub(r"^#([A-Z_]+=)", r"\1", EXAMPLE, flags=re.MULTILINE))

    assert settings.load({}, dotenv=copy) == settings.load({}, dotenv=None)


def test_every_field_has_its_variable() -> None:
    named = {
        variable.field
        for variable in variables.GENERAL + variables.STORES + variables.IDENTITY + variables.LIMITS
    }

    assert named == set(Settings.__struct_fields__) - {"limits", "dsns", "supabase_url"} | {"url"} | set(
        Limits.__struct_fields__
    )


PROTOCOL = (ROOT / "docs" / "protocol.md").read_text("utf-8")
FRAMES = [*get_args(client.ClientFrame), *get_args(server.ServerFrame)]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__name__)
def test_every_frame_stands_in_the_protocol(frame: type[msgspec.Struct]) -> None:
    assert f"`{frame.__struct_config__.tag}`" in PROTOCOL


@pytest.mark.parametrize("code", list(Code))
def test_every_error_code_stands_in_the_protocol(code: Code) -> None:
    assert f"`{code}`" in PROTOCOL


@pytest.mark.parametrize("code", list(Close))
def test_every_close_code_stands_in_the_protocol_with_its_slug(code: Close) -> None:
    assert f"| {int(code)} | `{code.slug}` |" in PROTOCOL


def test_every_link_of_the_readme_leads_somewhere() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)#]+)\)|srcset=\"([^\"]+)\"|src=\"([^\"]+)\"", text)

    assert links
    assert [path for found in links for path in found if path and not (ROOT / path).exists()] == []
