"""The values of the index page of a report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harness.report.compare.likelihood import prompts_named, trend
from harness.report.html.charts.curves import curves_chart, span
from harness.report.html.charts.distance import distance_charts
from harness.report.html.charts.forest import forest
from harness.report.html.charts.parts import CategoryScores, parts, parts_chart
from harness.report.html.charts.svg import shown_key
from harness.report.html.leaderboard import describe_differences, rows
from harness.report.html.material import Material
from harness.report.html.provenance import provenance
from harness.report.html.training import BEST_AND_WORST, likelihood_curves
from harness.report.page.text import packed
from harness.stats.cells import AVERAGE, Column, Comparison
from harness.stats.intervals import is_binary
from harness.stats.series import values
from harness.storage.result import Result


@dataclass(frozen=True, slots=True)
class Pages:
    """The file names of the pages of suites and checkpoints."""

    suites: Mapping[str, str]
    checkpoints: Mapping[str, str]


def title(material: Material) -> str:
    """Return the title of the report: the recipes of its runs."""
    names = dict.fromkeys(source.result.recipe for source in material.sources)
    return ", ".join(names)


def index(
    material: Material, comparisons: Mapping[str, Comparison], pages: Pages, binary: set[str]
) -> dict[str, Any]:
    """Return the values of `index.html`; `binary` is the result of `binary_suites`."""
    comparison, result = next(iter(comparisons.values())), material.result
    differences = describe_differences(comparisons, result)
    trends, prompts = _trends(result, pages)
    shown = {
        "categories": _categories(result, comparison, pages),
        "trends": trends,
        "distances": distance_charts(comparison),
    }
    return {
        "title": title(material),
        "sections": [
            ("leaderboard", "Leaderboard", bool(comparison.columns)),
            ("forest", "Forest plots", bool(comparison.columns)),
            ("categories", "Categories", bool(shown["categories"])),
            ("trends", "Likelihood trends", bool(trends)),
            ("kl", "KL", bool(shown["distances"])),
            ("provenance", "Provenance", True),
        ],
        "shown": differences[comparison.baseline],
        "baseline": comparison.baseline,
        "baselines": list(comparisons),
        "columns": comparison.columns,
        "rows": _rows(comparison, pages, binary),
        "forests": _forests(comparison, pages),
        **shown,
        "trends_key": shown_key(BEST_AND_WORST),
        "prompts": prompts,
        "provenance": provenance(material, pages.checkpoints),
        "against": packed(differences),
    }


def binary_suites(result: Result, comparison: Comparison) -> set[str]:
    """Return the suites whose samples are either right or wrong."""
    samples: dict[str, list[float]] = {}
    for checkpoint in result.checkpoints:
        for suite, score in checkpoint.suites.items():
            samples.setdefault(suite, []).extend(values(score).values())
    return {s for s, own in samples.items() if comparison.column(s).fraction and is_binary(own)}


def _rows(comparison: Comparison, pages: Pages, binary: set[str]) -> list[dict[str, Any]]:
    best = _best(comparison)
    table = rows(comparison)
    for row in table:
        row["page"] = pages.checkpoints[row["name"]]
        for cell in row["cells"]:
            suite = cell["suite"]
            there = comparison.cell(row["name"], suite) is not None
            cell["page"] = pages.suites.get(suite) if there else None
            cell["binary"] = suite in binary
            cell["best"] = cell["value"] is not None and cell["value"] == best.get(suite)
    return table


def _best(comparison: Comparison) -> dict[str, float]:
    """Return the largest value of each ranked column whose values differ."""
    highest = {}
    for column in comparison.columns if len(comparison.checkpoints) > 1 else ():
        cells = (comparison.cell(name, column.suite) for name in comparison.checkpoints)
        scores = [cell.value for cell in cells if cell and cell.value is not None]
        if column.ranked and len(set(scores)) > 1:
            highest[column.suite] = max(scores)
    return highest


#: Most cells that the index page draws in forest plots, which keeps the page small.
MOST_DRAWN = 250


def _forests(comparison: Comparison, pages: Pages) -> list[dict[str, Any]]:
    if len(comparison.cells) > MOST_DRAWN:
        return []
    drawn = ((column, forest(comparison, column)) for column in comparison.columns)
    return [
        {"suite": column.suite, "page": pages.suites.get(column.suite), "chart": chart}
        for column, chart in drawn
        if chart is not None
    ]


#: Most categories of a suite on the index page; the page of the suite shows any number.
MOST_PARTS = 12


def suite_parts(result: Result, column: Column) -> Markup | None:
    """Return the chart of a suite's categories, or None if it has none."""
    by_checkpoint = parts(result, column.suite)
    return parts_chart(by_checkpoint, column) if by_checkpoint else None


def _categories(result: Result, comparison: Comparison, pages: Pages) -> list[dict[str, Any]]:
    return [
        {"suite": column.suite, "page": pages.suites[column.suite], "chart": chart}
        for column in comparison.columns
        if column.suite != AVERAGE and _few(parts(result, column.suite))
        if (chart := suite_parts(result, column))
    ]


def _few(by_checkpoint: CategoryScores) -> bool:
    return len({part.name for own in by_checkpoint.values() for part in own}) <= MOST_PARTS


def _trends(result: Result, pages: Pages) -> tuple[list[dict[str, Any]], str]:
    """Return a panel for each probed checkpoint, all on one scale, and the name of the prompts."""
    trends = {
        c.name: points for c in result.checkpoints if len(points := trend(c.name, c.probe)) > 1
    }
    curves = {name: likelihood_curves(points) for name, points in trends.items()}
    scale = span([curve for own in curves.values() for curve in own])
    charts = [
        {
            "name": name,
            "page": pages.checkpoints[name],
            "chart": curves_chart(f"{name}: change in log-probability", own, scale, zero=True),
        }
        for name, own in curves.items()
    ]
    return charts, prompts_named([p for points in trends.values() for p in points])
