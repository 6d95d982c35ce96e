"""`nca tables`: every table and picture of a folder of results, from its specifications."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.errors import RecipeError, RunError
from harness.report.compare.comparison import compare
from harness.report.compare.likelihood import Trend, likelihood, trends
from harness.report.compare.together import merged
from harness.report.figures.ablation_figure import draw_ablation
from harness.report.figures.category_figure import draw_categories
from harness.report.figures.distance_figure import draw_kl
from harness.report.figures.forest_figure import draw_deltas, draw_scores
from harness.report.figures.likelihood_figure import draw_likelihood, draw_trends
from harness.report.tables.formats import ENDINGS, FORMATS
from harness.report.tables.likelihood_table import likelihood_table, trend_table
from harness.report.tables.published import Published
from harness.report.tables.published_table import OurRow, published_table
from harness.report.tables.score_table import comparison_table
from harness.report.tables.specification import (
    Sort,
    Specification,
    read_specification,
    read_yaml,
    require_known,
)
from harness.report.tables.table import Table
from harness.stats.cells import Comparison
from harness.storage.atomic_files import write_text
from harness.storage.result import Result, read_result


@dataclass(frozen=True, slots=True)
class _Material:
    """A result with its rows and columns chosen, and the comparison if it has any scores."""

    result: Result
    comparison: Comparison | None = None
    trends: tuple[Trend, ...] = ()


_SCORE_FIGURES: Mapping[str, Callable[[Result, Comparison, Path], tuple[Path, ...]]] = {
    "scores": lambda _, comparison, stem: draw_scores(comparison, stem),
    "deltas": lambda _, comparison, stem: draw_deltas(comparison, stem),
    "kl": draw_kl,
    "responses": partial(draw_ablation, settings=("responses",)),
    "alpha-beta": partial(draw_ablation, settings=("beta", "alpha")),
    "categories": draw_categories,
}
#: Pictures that a specification may name.
FIGURES = ("scores", "deltas", "likelihood", "trends", *list(_SCORE_FIGURES)[2:])


def build(folder: Path, out: Path) -> Iterator[tuple[Path, Table, tuple[Path, ...]]]:
    """Write every table and picture; yield each specification, its table and its files.

    Args:
        folder: where specifications (`*.yaml`) lie; files are named from there.
        out: where `<name>.md`, ... and `figures/` go.

    Raises:
        RecipeError: there is no specification, or one is wrong.
        RunError: a result is not there or cannot be shown as asked.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise RecipeError(f"{folder}: no specification of a table (*.yaml) is there")
    for file in files:
        wanted = read_specification(file)
        if unknown := [name for name in wanted.figures if name not in FIGURES]:
            names = ", ".join(FIGURES)
            raise RecipeError(f"{file}: figures: no picture is called {unknown[0]!r}: use {names}")
        pictures: list[Path] = []
        if wanted.kind == "published":
            table = _published(wanted, file.parent)
        else:
            material = _material(wanted, file.parent)
            table = _table(wanted, material, file)
            for name in wanted.figures:  # only the one of the table's own kind has its bare name
                stem = file.stem if name == wanted.kind else f"{file.stem}-{name}"
                pictures += _draw(name, material, out / "figures" / stem)
        table = replace(table, title=wanted.title) if wanted.title else table
        written = {out / f"{file.stem}.{ENDINGS[name]}": name for name in wanted.formats}
        for path, name in written.items():
            write_text(path, FORMATS[name](table))
        yield file, table, (*written, *pictures)


def _published(wanted: Specification, home: Path) -> Table:
    published = read_yaml(home / (wanted.published or ""), Published)
    ours = []
    for label, row in wanted.ours.items():
        checkpoint = read_result(home / row.run).checkpoint(row.checkpoint)
        ours.append(OurRow(label, checkpoint, wanted.suites, row.beside))
    return published_table(published, ours, wanted.rows, wanted.columns)


def _material(wanted: Specification, home: Path) -> _Material:
    """Read and arrange the results of a specification; files lie under `home`."""
    result = merged([read_result(home / run) for run in wanted.runs])
    if wanted.kind == "trends":
        by_label = {curve.label: curve for curve in trends(result)}
        require_known("objective", wanted.rows, by_label)
        kept = {name: by_label[name] for name in wanted.rows} or by_label
        curves = (replace(curve, label=wanted.rows.get(n, n)) for n, curve in kept.items())
        return _Material(result, trends=tuple(curves))
    result = _arranged(result, wanted)
    if not result.suites:
        return _Material(result)
    options = {"allow_missing": wanted.allow_missing, "allow_mismatch": wanted.allow_mismatch}
    comparison = compare(result, result.baseline, **options)
    return _Material(result, _ordered(comparison, wanted.sort))


def _arranged(result: Result, wanted: Specification) -> Result:
    """Return the result with the chosen rows and columns, in this order and renamed.

    Names are changed in the result itself, so that notes, verdicts and pictures say the same; and
    p-values are corrected for the differences that are shown, not for those left out.
    """
    rows, columns = wanted.rows, wanted.columns
    require_known("checkpoint", rows, [c.name for c in result.checkpoints])
    require_known("suite", columns, result.suites)
    for labels in (rows, columns):
        if twice := [label for label, n in Counter(labels.values()).items() if n > 1]:
            raise RunError(f"two rows or columns are called {twice[0]!r}: give each its own label")
    checkpoints = []
    for checkpoint in [result.checkpoint(name) for name in rows] or result.checkpoints:
        suites = {
            label: checkpoint.suites[suite].model_copy(update={"suite": label})
            for suite, label in (columns or {s: s for s in checkpoint.suites}).items()
            if suite in checkpoint.suites
        }
        name = rows.get(checkpoint.name, checkpoint.name)
        checkpoints.append(checkpoint.model_copy(update={"name": name, "suites": suites}))
    baseline = wanted.baseline or result.baseline
    names = {"checkpoints": tuple(checkpoints), "baseline": rows.get(baseline, baseline)}
    return result.model_copy(update=names)


def _ordered(comparison: Comparison, sort: Sort | None) -> Comparison:
    """Return the comparison with its rows sorted by a column."""
    if sort is None:
        return comparison
    require_known("column", [sort.by], [column.suite for column in comparison.columns])
    sign = -1 if sort.order == "descending" else 1

    def place(name: str) -> tuple[bool, float]:
        cell = comparison.cell(name, sort.by)
        value = None if cell is None else cell.value
        return value is None, sign * (value or 0.0)

    return replace(comparison, checkpoints=tuple(sorted(comparison.checkpoints, key=place)))


def _table(wanted: Specification, material: _Material, file: Path) -> Table:
    if wanted.kind == "likelihood":
        rows = likelihood(material.result)
        if not rows:
            raise RecipeError(f"{file}: kind: likelihood: no checkpoint was probed while training")
        return likelihood_table(rows)
    if wanted.kind == "trends":
        baseline = wanted.baseline or "dpo"
        label = wanted.rows.get(baseline, baseline)
        return trend_table(material.trends, label, material.result.recipe)
    if material.comparison is None:
        raise RecipeError(f"{file}: kind: scores: no checkpoint was evaluated on any suite")
    return comparison_table(material.comparison)


def _draw(name: str, material: _Material, stem: Path) -> tuple[Path, ...]:
    """Draw a picture; nothing where the results have no data for it."""
    if name == "likelihood":
        return draw_likelihood(material.result, stem)
    if name == "trends":
        return draw_trends(material.trends, stem)
    if material.comparison is None:
        return ()
    return _SCORE_FIGURES[name](material.result, material.comparison, stem)
