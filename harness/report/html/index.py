"""What the report's first page is given: everything but texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harness.report.compare.likelihood import prompts_named, trend
from harness.report.html.charts.curves import curves_chart, span
from harness.report.html.charts.distance import distance_charts
from harness.report.html.charts.forest import forest
from harness.report.html.charts.parts import parts, parts_chart
from harness.report.html.charts.svg import shown_key
from harness.report.html.leaderboard import Standings, against, right_or_wrong, rows
from harness.report.html.material import Material
from harness.report.html.provenance import provenance
from harness.report.html.training import BEST_AND_WORST, likelihood_curves
from harness.report.page.text import packed
from harness.stats.cells import AVERAGE, Column, Comparison
from harness.stats.series import values
from harness.storage.result import Result


@dataclass(frozen=True, slots=True)
class Pages:
    """Where suites and checkpoints have their pages."""

    suites: Mapping[str, str]
    checkpoints: Mapping[str, str]


def title(material: Material) -> str:
    """What the report is called: its runs' recipes."""
    names = dict.fromkeys(f"{one.result.recipe}" for one in material.sources)
    return ", ".join(names)


def index(material: Material, found: Standings, pages: Pages, binary: set[str]) -> dict[str, Any]:
    """The values of `index.html`; `binary` as of `binary_suites`."""
    comparison, result = found.first, material.result
    told = against(found, result)
    trends, prompts = _trends(result, pages)
    shown = {
        "categories": _categories(result, comparison, pages),
        "trends": trends,
        "distances": distance_charts(comparison),
    }
    names = {"categories": "Categories", "trends": "Likelihood trends", "distances": "KL"}
    ids = {"categories": "categories", "trends": "trends", "distances": "kl"}
    return {
        "title": title(material),
        "sections": [
            ("leaderboard", "Leaderboard", bool(comparison.columns)),
            ("forest", "Forest plots", bool(comparison.columns)),
            *((ids[key], names[key], bool(value)) for key, value in shown.items()),
            ("provenance", "Provenance", True),
        ],
        "shown": told[comparison.baseline],
        "baseline": comparison.baseline,
        "baselines": list(found.by_baseline),
        "columns": comparison.columns,
        "rows": _rows(comparison, pages, binary),
        "forests": _forests(comparison, pages),
        **shown,
        "trends_key": shown_key(BEST_AND_WORST),
        "prompts": prompts,
        "provenance": provenance(material, pages.checkpoints),
        "against": packed(told),
    }


def binary_suites(result: Result, comparison: Comparison) -> set[str]:
    """Suites whose samples are right or wrong, and nothing between."""
    found: dict[str, list[Mapping[str, float]]] = {}
    for checkpoint in result.checkpoints:
        for suite, score in checkpoint.suites.items():
            found.setdefault(suite, []).append(values(score))
    return {suite for suite, own in found.items() if right_or_wrong(comparison.column(suite), own)}


def _rows(comparison: Comparison, pages: Pages, binary: set[str]) -> list[dict[str, Any]]:
    best = _best(comparison)
    found = rows(comparison)
    for row in found:
        row["page"] = pages.checkpoints[row["name"]]
        for cell in row["cells"]:
            suite = cell["suite"]
            there = comparison.cell(row["name"], suite) is not None
            cell["page"] = pages.suites.get(suite) if there else None
            cell["binary"] = suite in binary
            cell["best"] = cell["value"] is not None and cell["value"] == best.get(suite)
    return found


def _best(comparison: Comparison) -> dict[str, float]:
    """The largest value of each column in which more is better and values differ."""
    found = {}
    for column in comparison.columns if len(comparison.checkpoints) > 1 else ():
        cells = (comparison.cell(name, column.suite) for name in comparison.checkpoints)
        known = [cell.value for cell in cells if cell and cell.value is not None]
        if column.ranked and len(set(known)) > 1:
            found[column.suite] = max(known)
    return found


#: Cells that the first page draws in forest plots, at most: it has to stay small.
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


#: Categories of a suite on the first page, at most; the suite's own page shows any number.
MOST_PARTS = 12


def suite_parts(result: Result, column: Column) -> Markup | None:
    """The chart of a suite's categories, or None where it counts none."""
    found = parts(result, column.suite)
    return parts_chart(found, column) if found else None


def _categories(result: Result, comparison: Comparison, pages: Pages) -> list[dict[str, Any]]:
    return [
        {"suite": column.suite, "page": pages.suites[column.suite], "chart": chart}
        for column in comparison.columns
        if column.suite != AVERAGE and _few(parts(result, column.suite))
        if (chart := suite_parts(result, column))
    ]


def _few(found: Mapping[str, Mapping[str, Any]]) -> bool:
    return len({part for own in found.values() for part in own}) <= MOST_PARTS


def _trends(result: Result, pages: Pages) -> tuple[list[dict[str, Any]], str]:
    """A panel a checkpoint that was probed, all on one scale; and what the prompts are called."""
    found = {
        c.name: points for c in result.checkpoints if len(points := trend(c.name, c.probe)) > 1
    }
    curves = {name: likelihood_curves(points) for name, points in found.items()}
    scale = span([curve for own in curves.values() for curve in own])
    charts: Sequence[dict[str, Any]] = [
        {
            "name": name,
            "page": pages.checkpoints[name],
            "chart": curves_chart(f"{name}: change in log-probability", own, scale, zero=True),
        }
        for name, own in curves.items()
    ]
    return list(charts), prompts_named([p for points in found.values() for p in points])
