"""The report's files: a first page, a page a suite, a page a checkpoint."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment

from harness.errors import RunError
from harness.report.html import training
from harness.report.html.addresses import INDEX, KINDS, addresses
from harness.report.html.charts.forest import forest
from harness.report.html.index import Pages, binary_suites, index, suite_parts, title
from harness.report.html.leaderboard import Options, baselines_of, standings
from harness.report.html.material import Material, can_be_shown, gathered, source
from harness.report.html.samples import PIECE, samples
from harness.report.page.render import Asset, environment, page
from harness.report.page.text import packed
from harness.report.tables.score_table import difference_text, score_text
from harness.stats.cells import Comparison
from harness.storage.atomic_files import write_text
from harness.storage.result import CheckpointResult, Result
from harness.storage.run_folder import RunFolder

_PACKAGE = "harness.report.html"
_STYLES = (Asset(_PACKAGE, "report.css"),)
_TEXT = Asset("harness.report.page", "text.js")
_INDEX_SCRIPTS = (_TEXT, Asset(_PACKAGE, "leaderboard.js"))
_SUITE_SCRIPTS = (_TEXT, *(Asset(_PACKAGE, f"{name}.js") for name in ("diff", "sample", "suite")))
_MARK = '<meta name="generator" content="nca">'


def build(
    material: Material,
    out: Path,
    options: Options | None = None,
    compared: Mapping[str, Comparison] | None = None,
) -> Path:
    """Write a report into a folder; equal material gives equal bytes.

    Pages of a report that was there before and has no such page any more are removed.

    Args:
        material: what it is made of.
        out: the folder; it is made, or holds an older report.
        options: as of `nca compare`.
        compared: baseline -> comparison of the material's result, where they were made before.

    Returns:
        The first page.

    Raises:
        RunError: the folder holds a first page of something else, there is no such baseline, or
            scores must not be compared.
    """
    _refuse_foreign(out)
    found = standings(material.result, options or Options(), compared)
    pages = Pages(
        addresses("suite", material.suites),
        addresses("checkpoint", (c.name for c in material.result.checkpoints)),
    )
    templates = environment(_PACKAGE)
    binary = binary_suites(material.result, found.first)
    values = index(material, found, pages, binary)
    first = page(templates, INDEX, styles=_STYLES, scripts=_INDEX_SCRIPTS, **values)
    written = {INDEX}
    for name, text in _details(templates, material, found.first, pages, binary):
        write_text(out / name, text)
        written.add(name)
    write_text(out / INDEX, first)
    _remove_old(out, written)
    return out / INDEX


def report_baselines(result: Result) -> list[str]:
    """Return the baselines that a run's report compares with; none where nothing can be shown."""
    return baselines_of(result, result.baseline) if can_be_shown(result) else []


def beside(result: Result, folder: RunFolder, compared: Mapping[str, Comparison]) -> None:
    """Write the report of a run into its folder.

    Args:
        result: of the run.
        folder: of the run.
        compared: baseline -> comparison, for all of `report_baselines`.
    """
    material = gathered([source(result, folder.path)])
    build(material, folder.report.parent, compared=compared)


def _refuse_foreign(out: Path) -> None:
    file = out / INDEX
    if out.exists() and not out.is_dir():
        raise RunError(f"{out}: a file is there; name a folder for the report with -o")
    if file.exists() and _MARK not in file.read_text(encoding="utf-8", errors="replace"):
        raise RunError(f"{file}: not a report of nca; name another folder with -o")


def _remove_old(out: Path, written: set[str]) -> None:
    for kind in KINDS:
        for file in out.glob(f"{kind}-*.html"):
            if file.name not in written:
                file.unlink()


def _details(
    templates: Environment,
    material: Material,
    comparison: Comparison,
    pages: Pages,
    binary: set[str],
) -> Iterator[tuple[str, str]]:
    """File name and text of every page but the first, one at a time: they may be large."""
    for suite, name in pages.suites.items():
        values = _suite(material, comparison, pages, suite, binary=suite in binary)
        yield name, page(templates, "suite.html", styles=_STYLES, scripts=_SUITE_SCRIPTS, **values)
    for checkpoint in material.result.checkpoints:
        values = _checkpoint(material, comparison, pages, checkpoint)
        name = pages.checkpoints[checkpoint.name]
        yield name, page(templates, "checkpoint.html", styles=_STYLES, **values)


def _suite(
    material: Material, comparison: Comparison, pages: Pages, suite: str, *, binary: bool
) -> dict[str, Any]:
    """The values of a suite's page."""
    column = comparison.column(suite)
    scores = {c.name: c.suites[suite] for c in material.result.checkpoints if suite in c.suites}
    logs = {name: material.logs[name, suite] for name in scores if (name, suite) in material.logs}
    found = samples(scores, logs)
    table = found.table | {
        "baseline": comparison.baseline,
        "binary": binary,
        "fraction": column.fraction,
        "headline": column.headline,
        "pages": [pages.checkpoints[name] for name in scores],
        "piece": PIECE,
    }
    return {
        "title": f"{suite}: samples, {title(material)}",
        "suite": suite,
        "measure": column.measure,
        "count": f"{len(table['ids']):,}",
        "checkpoints": list(scores),
        "without": found.without,
        "others": pages.suites,
        "baseline": comparison.baseline,
        "forest": forest(comparison, column),
        "parts": suite_parts(material.result, column),
        "table": packed(table),
        "pieces": found.pieces,
    }


def _checkpoint(
    material: Material, comparison: Comparison, pages: Pages, checkpoint: CheckpointResult
) -> dict[str, Any]:
    """The values of a checkpoint's page."""
    name = checkpoint.name
    folder = material.training.get(name)
    return {
        "title": f"{name}, {title(material)}",
        "checkpoint": name,
        "fingerprint": checkpoint.fingerprint,
        "baseline": comparison.baseline,
        "others": pages.checkpoints,
        "scores": _scores(comparison, name, pages.suites),
        "curves": training.training_curves(checkpoint, folder),
        "no_curves": training.no_curves(checkpoint),
        "settings": training.settings(checkpoint),
        "data": training.data(checkpoint, folder),
        "sampled": training.sampled(checkpoint, material.result),
    }


def _scores(
    comparison: Comparison, name: str, pages: Mapping[str, str]
) -> list[dict[str, str | None]]:
    return [
        {
            "suite": column.suite,
            "measure": column.measure,
            "page": pages.get(column.suite),
            "score": score_text(column, cell),
            "difference": difference_text(column, cell),
        }
        for column, cell in zip(comparison.columns, comparison.row(name), strict=True)
        if cell is not None
    ]
