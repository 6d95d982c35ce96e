"""The specification of a table, `results/<name>.yaml`: contents, result files, formats."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from harness.errors import RecipeError, RunError


def _labels(value: object) -> object:
    """Return names with labels; a name without a label is its own."""
    if isinstance(value, list):
        return {str(name): str(name) for name in value}
    if isinstance(value, dict):
        return {str(name): str(name if label is None else label) for name, label in value.items()}
    return value


#: Name -> what it is shown as, in the order of the table; empty stands for all, as they are.
Labels = Annotated[dict[str, str], BeforeValidator(_labels)]
FormatName = Literal["markdown", "latex", "csv", "json", "html"]


class Record(BaseModel):
    """A part of a file; a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sort(Record):
    """Rows by a column's values; those without a value come last."""

    by: str
    order: Literal["descending", "ascending"] = "descending"


class Ours(Record):
    """A row of our own in a published table: a checkpoint of a result file."""

    run: str
    checkpoint: str
    beside: str | None = None


class Specification(Record):
    """The contents and files of a table. Files are named from the specification's folder.

    Attributes:
        kind: scores, likelihood (last probes), trends (probes over seeds), published.
        title: above the table; by default the kind's own.
        runs: result files or run folders, put together as `nca compare` does.
        baseline: row that differences are taken to; of trends whose last margin is the measure.
        rows: which checkpoints, in which order, under which names.
        columns: which suites, likewise.
        sort: rows by a column, in place of the order of `rows`.
        allow_missing: show scores with samples missing.
        allow_mismatch: warn where scores were made differently, in place of refusing.
        formats: which files are written.
        figures: which pictures are drawn.
        published: a file of published figures (kind published).
        ours: label -> a row of our own in it.
        suites: the published table's column -> our suite that is set beside it.
    """

    kind: Literal["scores", "likelihood", "trends", "published"] = "scores"
    title: str | None = None
    runs: tuple[str, ...] = ()
    baseline: str | None = None
    rows: Labels = {}
    columns: Labels = {}
    sort: Sort | None = None
    allow_missing: bool = False
    allow_mismatch: bool = False
    formats: tuple[FormatName, ...] = ("markdown", "latex", "csv")
    figures: tuple[str, ...] = ()
    published: str | None = None
    ours: dict[str, Ours] = Field(default={})
    suites: dict[str, str] = {}


Model = TypeVar("Model", bound=BaseModel)


def read_specification(path: Path) -> Specification:
    """Read a table's specification.

    Raises:
        RecipeError: it is not there or not right; the message names file and key.
    """
    specification = read_yaml(path, Specification)
    if specification.kind == "published" and specification.published is None:
        raise RecipeError(f"{path}: published: name the file, such as published/eurus.yaml")
    if specification.kind != "published" and not specification.runs:
        raise RecipeError(f"{path}: runs: name result files, such as [runs/demo.json]")
    return specification


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML file as a record.

    Raises:
        RecipeError: it is not there, no YAML, or has a wrong key; the nearest known one is named.
    """
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        problem = first["msg"]
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(first["loc"][-1]), model.model_fields, n=1)
            problem = "no such key" + (f": did you mean {near[0]!r}?" if near else "")
        raise RecipeError(f"{path}: {where}: {problem}") from None


def require_known(kind: str, names: Iterable[str], there: Iterable[str]) -> None:
    """Refuse a name that does not exist.

    Raises:
        RunError: the message lists those there are.
    """
    present = dict.fromkeys(there)
    for name in names:
        if name not in present:
            raise RunError(f"no {kind} {name!r}: there are {', '.join(present)}")
