"""The rooms of `harness`: what lies there, and which of their modules other rooms may use."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HARNESS = ROOT / "harness"
ROOMS = frozenset(
    {"cli", "pipeline", "report", "tracking", "data", "evaluate"}
    | {"stats", "recipe", "engines", "progress", "storage"}
)
FILES = sorted(HARNESS.rglob("*.py"))
INITS = [file for file in FILES if file.name == "__init__.py"]


def names_of(file: Path) -> list[str]:
    """The names in `__all__` of a package; empty where it has none."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        target = node.target if isinstance(node, ast.AnnAssign) else None
        targets = node.targets if isinstance(node, ast.Assign) else [target]
        if any(isinstance(name, ast.Name) and name.id == "__all__" for name in targets):
            return list(ast.literal_eval(node.value))  # type: ignore[attr-defined]
    return []


def imported(file: Path) -> Iterator[str]:
    """The modules and names that a file imports, inside functions too, with dots."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def private_step(name: str, home: str) -> str | None:
    """The first package on the way to a module of another room that does not list the next step."""
    parts = name.split(".")
    if parts[0] != "harness" or len(parts) < 3 or parts[1] not in ROOMS or parts[1] == home:
        return None
    for depth in range(2, len(parts)):
        package = ROOT.joinpath(*parts[:depth])
        is_module = (package / parts[depth]).is_dir() or (package / f"{parts[depth]}.py").is_file()
        if not package.is_dir() or not is_module:
            return None
        if parts[depth] not in names_of(package / "__init__.py"):
            return ".".join(parts[:depth])
    return None


def test_harness_holds_its_rooms_and_nothing_else() -> None:
    entries = {entry.name for entry in HARNESS.iterdir() if entry.name != "__pycache__"}

    assert entries == ROOMS | {"__init__.py", "py.typed", "errors.py", "stage.py"}


@pytest.mark.parametrize("file", INITS, ids=lambda file: str(file.parent.relative_to(ROOT)))
def test_a_package_states_its_purpose_in_a_sentence_and_imports_nothing(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    sentence = ast.get_docstring(tree) or ""

    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert list(imported(file)) == []
    modules = {entry.stem for entry in file.parent.iterdir() if entry.suffix in ("", ".py")}
    assert set(names_of(file)) <= modules


def test_a_room_uses_only_what_other_rooms_list() -> None:
    users = [*FILES, *(ROOT / "benchmarks").glob("*.py"), *(ROOT / "scripts").glob("*.py")]
    private = [
        f"{file.relative_to(ROOT)} uses {name}, which {package} does not list"
        for file in users
        for name in imported(file)
        if (package := private_step(name, file.relative_to(ROOT).parts[1]))
    ]

    assert private == []
