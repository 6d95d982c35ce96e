"""The upstream files of the data folder: `eval_suites/manifest.yaml` as values."""

import ast
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import yaml

from harness.errors import UserError


@dataclass(frozen=True, slots=True)
class Literal:
    """A list in an upstream Python file that is kept as JSON.

    Attributes:
        name: of the variable that it is given to, or of the function that returns it.
        fields: what the members of its tuples are called; a dict keeps its own keys.
    """

    name: str
    fields: tuple[str, ...]

    def as_json(self, source: bytes) -> bytes:
        """Return the list as indented JSON; the Python file is parsed, never run.

        Raises:
            ValueError: there is no such list, or it is computed and not written out.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # upstream's strings hold escapes that Python warns of
            try:
                value = ast.literal_eval(self._node(ast.parse(source)))
            except SyntaxError as error:
                raise ValueError(f"no Python ({error})") from error
        rows = [r if isinstance(r, dict) else dict(zip(self.fields, r, strict=True)) for r in value]
        return json.dumps(rows, indent=1, ensure_ascii=False).encode()

    def _node(self, tree: ast.Module) -> ast.expr:
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == self.name:
                return statement.value
            if isinstance(statement, ast.FunctionDef) and statement.name == self.name:
                last = statement.body[-1]
                if isinstance(last, ast.Return) and last.value is not None:
                    return last.value
        raise ValueError(f"no list called {self.name}")


@dataclass(frozen=True, slots=True)
class Columns:
    """Some keys of every row of an upstream JSON array, under names of ours.

    Attributes:
        keys: name in the data folder -> upstream's key.
    """

    keys: Mapping[str, str]

    def as_json(self, source: bytes) -> bytes:
        """Return the rows as indented JSON.

        Raises:
            ValueError: the file is no array of objects with these keys.
        """
        try:
            rows = [
                {name: row[key] for name, key in self.keys.items()} for row in json.loads(source)
            ]
        except (KeyError, TypeError) as error:
            raise ValueError(f"no array of rows with {', '.join(self.keys.values())}") from error
        return json.dumps(rows, indent=1, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the data folder and where it comes from.

    Attributes:
        path: in the data folder.
        suites: those that read it, or the kind of training data that it is.
        repository: `owner/name` on GitHub.
        commit: that it is taken from.
        upstream: its path in the repository.
        licence: of its content.
        sha256: of upstream's bytes, or of the JSON that is taken out of them.
        extract: what to take out of the file; None for one that is kept as it is.
    """

    path: str
    suites: tuple[str, ...]
    repository: str
    commit: str
    upstream: str
    licence: str
    sha256: str
    extract: Literal | Columns | None = None

    @property
    def packed(self) -> bool:
        """True where we compress a file that upstream does not."""
        return self.path.endswith(".gz") and not self.upstream.endswith(".gz")

    def url(self, base: str) -> str:
        """Return the address to download from; `base` is GitHub's for raw files, or a mirror's."""
        return f"{base.rstrip('/')}/{self.repository}/{self.commit}/{quote(self.upstream)}"


def entries() -> tuple[Entry, ...]:
    """Return every file of the manifest, in its order."""
    text = files("eval_suites").joinpath("manifest.yaml").read_text(encoding="utf-8")
    return tuple(
        Entry(
            path=file["path"],
            suites=tuple(source["suites"]),
            repository=source["repository"],
            commit=source["commit"],
            upstream=file["upstream"],
            licence=source["licence"],
            sha256=(file.get("literal") or file.get("columns") or file)["sha256"],
            extract=_extract(file),
        )
        for source in yaml.safe_load(text)
        for file in source["files"]
    )


def _extract(file: Mapping[str, Any]) -> Literal | Columns | None:
    if literal := file.get("literal"):
        return Literal(literal["name"], tuple(literal["fields"]))
    return Columns(file["columns"]["keys"]) if "columns" in file else None


def chosen(names: Sequence[str]) -> tuple[Entry, ...]:
    """Return the files of some suites (a variant has those of its suite); all without a name.

    Raises:
        UserError: no file belongs to a name.
    """
    everything = entries()
    names_by_suite = {name.partition(":")[0]: name for name in names}
    suites = {suite for entry in everything for suite in entry.suites}
    for suite, name in names_by_suite.items():
        if suite not in suites:
            raise UserError(
                f"no benchmark file belongs to {name!r}: name some of {', '.join(sorted(suites))}"
            )
    return tuple(e for e in everything if not names or names_by_suite.keys() & set(e.suites))
