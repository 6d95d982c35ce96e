"""Take a list out of a Python file as JSON. The file is parsed, never run."""

import ast
import json
import warnings
from typing import Any

from harness.data.fetch.manifest import Literal


def as_json(source: bytes, literal: Literal) -> bytes:
    """Return the list as indented JSON, without a newline at its end.

    Args:
        source: a Python file.
        literal: which list, and how to name the members of tuples in it.

    Raises:
        ValueError: there is no such list, or it is computed and not written out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # upstream's strings hold escapes that Python warns of
        try:
            value = ast.literal_eval(_node(ast.parse(source), literal.name))
        except SyntaxError as error:
            raise ValueError(f"no Python ({error})") from error
    rows = [_named(row, literal.fields) for row in value]
    return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def _node(tree: ast.Module, name: str) -> ast.expr:
    """Return the value of a variable at the top of a file, or the last statement of a function."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            return statement.value
        if isinstance(statement, ast.FunctionDef) and statement.name == name:
            last = statement.body[-1]
            if isinstance(last, ast.Return) and last.value is not None:
                return last.value
    raise ValueError(f"no list called {name}")


def _named(row: Any, fields: tuple[str, ...]) -> Any:
    return row if isinstance(row, dict) else dict(zip(fields, row, strict=True))
