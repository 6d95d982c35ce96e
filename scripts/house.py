"""Figures of the structure: names, docstrings, lines and files that CONTRIBUTING.md limits.

python scripts/house.py         prints the figures
python scripts/house.py --list  also prints each place
"""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("harness", "train", "eval_suites")
VAGUE = frozenset({"found", "told", "said", "known", "one", "asked"})
RIDDLE = re.compile(r"(What|Whether|How|Where|Which|Who|So)\b")
SMALL, LARGE = 40, 400
Place = tuple[Path, int, str]


def files(*packages: str) -> list[Path]:
    """Return the Python files of the packages."""
    return sorted(file for name in packages for file in (ROOT / name).rglob("*.py"))


def vague_names(file: Path) -> Iterator[Place]:
    """Yield the functions that bind a local name which says nothing."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and _is_bound(n)}
            names |= {argument.arg for argument in ast.walk(node) if isinstance(argument, ast.arg)}
            if vague := VAGUE & names:
                yield file, node.lineno, f"{node.name} binds {', '.join(sorted(vague))}"


def _is_bound(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def riddles(file: Path) -> Iterator[Place]:
    """Yield the docstrings that open with a question word."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, kinds) and RIDDLE.match(text := ast.get_docstring(node) or ""):
            yield file, getattr(node, "lineno", 1), text.splitlines()[0]


def sized(file: Path) -> int:
    """Return the number of lines of a file."""
    return len(file.read_text(encoding="utf-8").splitlines())


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print each place")
    options = parser.parse_args()
    everything, harness = files(*PACKAGES), files("harness")
    own = [file for file in harness if file.name != "__init__.py"]
    places = {
        "functions that bind a vague local name": [p for f in everything for p in vague_names(f)],
        "docstrings that open with a question word": [p for f in everything for p in riddles(f)],
        f"files of harness under {SMALL} lines": [(f, 1, "") for f in own if sized(f) < SMALL],
        f"files of harness over {LARGE} lines": [(f, 1, "") for f in own if sized(f) > LARGE],
    }
    print(f"{sum(map(sized, everything)):6}  lines of Python")
    for title, rows in places.items():
        print(f"{len(rows):6}  {title}")
        for file, line, text in rows if options.list else ():
            print(f"        {file.relative_to(ROOT)}:{line} {text}")


if __name__ == "__main__":
    main()
