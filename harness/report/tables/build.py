"""`nca tables`: every table and picture of a folder of results, from its specifications."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.errors import RecipeError
from harness.report.compare import trends as curves
from harness.report.compare.likelihood import likelihood, prompts_named
from harness.report.figures.ablation_figure import draw_ablation, draw_kl
from harness.report.figures.category_figure import draw_categories
from harness.report.figures.forest_figure import draw_deltas, draw_scores
from harness.report.figures.likelihood_figure import draw_likelihood
from harness.report.tables.formats import FORMATS
from harness.report.tables.likelihood_table import likelihood_table
from harness.report.tables.material import Material, material
from harness.report.tables.published import read_published
from harness.report.tables.published_table import OurRow, published_table
from harness.report.tables.score_table import comparison_table
from harness.report.tables.specification import Specification, read_specification
from harness.report.tables.table import Table
from harness.report.tables.trend_table import draw_trends, trend_table
from harness.stats.cells import Comparison
from harness.storage.atomic_files import write_text
from harness.storage.result import Result, read_result


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
        yield file, *_built(file, out)


def _built(file: Path, out: Path) -> tuple[Table, tuple[Path, ...]]:
    wanted = read_specification(file)
    if unknown := [name for name in wanted.figures if name not in FIGURES]:
        names = ", ".join(FIGURES)
        raise RecipeError(f"{file}: figures: no picture is called {unknown[0]!r}: use {names}")
    drawn: tuple[Path, ...] = ()
    if wanted.kind == "published":
        table = _published(wanted, file.parent)
    else:
        source = material(wanted, file.parent)
        table = _table(wanted, source, file)
        drawn = tuple(_drawn(wanted, source, out / "figures", file.stem))
    table = replace(table, title=wanted.title) if wanted.title else table
    written = []
    for name in wanted.formats:
        written.append(out / f"{file.stem}.{FORMATS[name].ending}")
        write_text(written[-1], FORMATS[name].write(table))
    return table, (*written, *drawn)


def _table(wanted: Specification, source: Material, file: Path) -> Table:
    if wanted.kind == "likelihood":
        rows = likelihood(source.result)
        if not rows:
            raise RecipeError(f"{file}: kind: likelihood: no checkpoint was probed while training")
        return likelihood_table(rows)
    if wanted.kind == "trends":
        baseline = wanted.rows.get(wanted.baseline or "dpo", wanted.baseline or "dpo")
        prompts = prompts_named([point for curve in source.trends for point in curve.points()])
        rows_of = curves.rows(source.trends, baseline)
        return trend_table(rows_of, baseline, source.result.recipe, prompts)
    if source.comparison is None:
        raise RecipeError(f"{file}: kind: scores: no checkpoint was evaluated on any suite")
    return comparison_table(source.comparison)


def _published(wanted: Specification, home: Path) -> Table:
    published = read_published(home / (wanted.published or ""))
    ours = [
        OurRow(
            label, read_result(home / row.run).checkpoint(row.checkpoint), wanted.suites, row.beside
        )
        for label, row in wanted.ours.items()
    ]
    return published_table(published, ours, wanted.rows, wanted.columns)


def _drawn(wanted: Specification, source: Material, folder: Path, stem: str) -> Iterator[Path]:
    """Draw the pictures; only the one of the table's own kind has the table's bare name."""
    for name in wanted.figures:
        own = name == wanted.kind
        yield from _draw(name, source, folder / (stem if own else f"{stem}-{name}"))


def _draw(name: str, source: Material, stem: Path) -> tuple[Path, ...]:
    """Draw a picture; nothing where the results have no data for it."""
    if name == "likelihood":
        return draw_likelihood(source.result, stem)
    if name == "trends":
        return draw_trends(source.trends, stem) if source.trends else ()
    if source.comparison is None:
        return ()
    return _SCORE_FIGURES[name](source.result, source.comparison, stem)


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
