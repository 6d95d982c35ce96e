"""The files of a report: an index, a page for each suite and a page for each checkpoint."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment

from harness.errors import RunError
from harness.report.html.charts.scores import forest, parts_chart
from harness.report.html.index import Report, index, report_of
from harness.report.html.leaderboard import Options, baselines_of, compare_baselines
from harness.report.html.material import Material, can_be_shown, gather, source
from harness.report.html.samples import PIECE, samples
from harness.report.html.training import training
from harness.report.page.render import Asset, environment, page
from harness.report.page.text import packed
from harness.report.tables.score_table import difference_text, score_text
from harness.stats.cells import Comparison
from harness.storage.atomic_files import write_text
from harness.storage.result import CheckpointResult, Result
from harness.storage.run_folder import RunFolder

INDEX = "index.html"
KINDS = ("suite", "checkpoint")
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
    """Write a report into a folder and return its index page; equal material gives equal bytes.

    The folder is created, or may hold an older report: its pages that the new one does not have are
    removed. `options` are those of `nca compare`. `compared` maps baselines to comparisons of the
    material's result that are already computed.

    Raises:
        RunError: the folder holds an index page of something else, the baseline does not exist,
            or the scores must not be compared.
    """
    start = out / INDEX
    if out.exists() and not out.is_dir():
        raise RunError(f"{out}: a file is there; name a folder for the report with -o")
    if start.exists() and _MARK not in start.read_text(encoding="utf-8", errors="replace"):
        raise RunError(f"{start}: not a report of nca; name another folder with -o")
    comparisons = compare_baselines(material.result, options or Options(), compared)
    report = report_of(material, comparisons)
    templates = environment(_PACKAGE)
    first = page(templates, INDEX, styles=_STYLES, scripts=_INDEX_SCRIPTS, **index(report))
    written = set()
    for name, text in _details(templates, report):
        write_text(out / name, text)
        written.add(name)
    write_text(start, first)
    for old in (file for kind in KINDS for file in out.glob(f"{kind}-*.html")):
        if old.name not in written:
            old.unlink()
    return start


def report_baselines(result: Result) -> list[str]:
    """Return the baselines of a run's report, or none if there is nothing to show."""
    return baselines_of(result, result.baseline) if can_be_shown(result) else []


def beside(result: Result, folder: RunFolder, compared: Mapping[str, Comparison]) -> None:
    """Write the report of a run into its folder; `compared` has all of `report_baselines`."""
    material = gather([source(result, folder.path)])
    build(material, folder.report.parent, compared=compared)


def _details(templates: Environment, report: Report) -> Iterator[tuple[str, str]]:
    """Yield the file name and text of every page but the index; pages may be large."""
    for suite, name in report.suites.items():
        values = _suite(report, suite)
        yield name, page(templates, "suite.html", styles=_STYLES, scripts=_SUITE_SCRIPTS, **values)
    for checkpoint in report.material.result.checkpoints:
        values = _checkpoint(report, checkpoint)
        name = report.checkpoints[checkpoint.name]
        yield name, page(templates, "checkpoint.html", styles=_STYLES, **values)


def _suite(report: Report, suite: str) -> dict[str, Any]:
    """Return the template values of a suite's page."""
    comparison, material = report.comparison, report.material
    column = comparison.column(suite)
    scores = material.result.of_suite(suite)
    logs = {name: material.logs[name, suite] for name in scores if (name, suite) in material.logs}
    sample_data = samples(scores, logs)
    table = sample_data.table | {
        "baseline": comparison.baseline,
        "binary": suite in report.binary,
        "fraction": column.fraction,
        "headline": column.headline,
        "pages": [report.checkpoints[name] for name in scores],
        "piece": PIECE,
    }
    return {
        "title": f"{suite}: samples, {report.title}",
        "suite": suite,
        "measure": column.measure,
        "count": f"{len(table['ids']):,}",
        "checkpoints": list(scores),
        "without": sample_data.without,
        "others": report.suites,
        "baseline": comparison.baseline,
        "forest": forest(comparison, column),
        "parts": parts_chart(material.result, column),
        "table": packed(table),
        "pieces": sample_data.pieces,
    }


def _checkpoint(report: Report, checkpoint: CheckpointResult) -> dict[str, Any]:
    """Return the template values of a checkpoint's page."""
    name = checkpoint.name
    scores = [
        {
            "suite": column.suite,
            "measure": column.measure,
            "page": report.suites.get(column.suite),
            "score": score_text(column, cell),
            "difference": difference_text(column, cell),
        }
        for column, cell in report.comparison.row(name)
        if cell is not None
    ]
    return {
        "title": f"{name}, {report.title}",
        "checkpoint": name,
        "fingerprint": checkpoint.fingerprint,
        "baseline": report.comparison.baseline,
        "others": report.checkpoints,
        "scores": scores,
        **training(checkpoint, report.material.training.get(name), report.material.result),
    }
