"""The values of the index page of a report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.report.compare.likelihood import prompts_named, trend
from harness.report.html.charts.curves import BEST_AND_WORST, curves_chart, likelihood_curves, span
from harness.report.html.charts.scores import distance_charts, forest, parts_chart
from harness.report.html.charts.svg import shown_key
from harness.report.html.leaderboard import describe_differences
from harness.report.html.material import Material
from harness.report.html.provenance import provenance
from harness.report.page.text import packed, page_files
from harness.report.tables.score_table import failures, ranks, score_text
from harness.stats.cells import AVERAGE, Cell, Column, Comparison
from harness.stats.intervals import is_binary
from harness.stats.series import values

#: Most cells that the index page draws in forest plots, which keeps the page small.
MOST_DRAWN = 250
#: Most categories of a suite on the index page; the page of the suite shows any number.
MOST_PARTS = 12


@dataclass(frozen=True, slots=True)
class Report:
    """The content of all pages.

    `comparisons` are by baseline, the requested one first. `suites` and `checkpoints` map names to
    the file names of their pages. `binary` has the suites whose samples are either right or wrong.
    """

    material: Material
    comparisons: Mapping[str, Comparison]
    suites: Mapping[str, str]
    checkpoints: Mapping[str, str]
    binary: frozenset[str]

    @property
    def comparison(self) -> Comparison:
        """Return the comparison with the requested baseline."""
        return next(iter(self.comparisons.values()))

    @property
    def title(self) -> str:
        """Return the recipes of the runs."""
        return ", ".join(dict.fromkeys(s.result.recipe for s in self.material.sources))


def report_of(material: Material, comparisons: Mapping[str, Comparison]) -> Report:
    """Return the content of a report, with names for its pages."""
    result, comparison = material.result, next(iter(comparisons.values()))
    names = (checkpoint.name for checkpoint in result.checkpoints)
    samples = {
        suite: [v for score in result.of_suite(suite).values() for v in values(score).values()]
        for suite in result.suites
        if comparison.column(suite).fraction
    }
    return Report(
        material,
        comparisons,
        page_files("suite", result.suites),
        page_files("checkpoint", names),
        frozenset(suite for suite, own in samples.items() if is_binary(own)),
    )


def index(report: Report) -> dict[str, Any]:
    """Return the values of `index.html`."""
    comparison, result = report.comparison, report.material.result
    differences = describe_differences(report.comparisons, result)
    trends, prompts = _trends(report)
    categories, distances = _categories(report), distance_charts(comparison)
    return {
        "title": report.title,
        "sections": [
            ("leaderboard", "Leaderboard", bool(comparison.columns)),
            ("forest", "Forest plots", bool(comparison.columns)),
            ("categories", "Categories", bool(categories)),
            ("trends", "Likelihood trends", bool(trends)),
            ("kl", "KL", bool(distances)),
            ("provenance", "Provenance", True),
        ],
        "shown": differences[comparison.baseline],
        "baseline": comparison.baseline,
        "baselines": list(report.comparisons),
        "columns": comparison.columns,
        "rows": _rows(report),
        "forests": _forests(report),
        "categories": categories,
        "trends": trends,
        "distances": distances,
        "trends_key": shown_key(BEST_AND_WORST),
        "prompts": prompts,
        "provenance": provenance(report.material, report.checkpoints),
        "against": packed(differences),
    }


def _rows(report: Report) -> list[dict[str, Any]]:
    """Return the rows of the table, which are equal for every baseline."""
    comparison = report.comparison
    best = {place for place, rank in ranks(comparison).items() if rank == 1}
    return [
        {
            "name": name,
            "page": report.checkpoints[name],
            "cells": [
                _cell(report, column, cell, best=(row, number) in best)
                for number, (column, cell) in enumerate(comparison.row(name), start=1)
            ],
        }
        for row, name in enumerate(comparison.checkpoints)
    ]


def _cell(report: Report, column: Column, cell: Cell | None, *, best: bool) -> dict[str, Any]:
    about = []  # samples, tokens per answer, and failures
    if cell is not None and column.suite != AVERAGE:
        tokens = "" if cell.tokens is None else f" · {cell.tokens:.0f} tokens"
        about = [part for part in (f"n {cell.n:,}{tokens}", failures(cell)) if part]
    return {
        "suite": column.suite,
        "ranked": column.ranked,
        "text": score_text(column, cell),
        "value": None if cell is None else cell.value,
        "about": about,
        "page": report.suites.get(column.suite) if cell else None,
        "binary": column.suite in report.binary,
        "best": best,
    }


def _forests(report: Report) -> list[dict[str, Any]]:
    comparison = report.comparison
    columns = comparison.columns if len(comparison.cells) <= MOST_DRAWN else ()
    return [
        {"suite": column.suite, "page": report.suites.get(column.suite), "chart": chart}
        for column in columns
        if (chart := forest(comparison, column)) is not None
    ]


def _categories(report: Report) -> list[dict[str, Any]]:
    return [
        {"suite": column.suite, "page": report.suites[column.suite], "chart": chart}
        for column in report.comparison.columns
        if column.suite != AVERAGE
        if (chart := parts_chart(report.material.result, column, MOST_PARTS))
    ]


def _trends(report: Report) -> tuple[list[dict[str, Any]], str]:
    """Return a panel for each probed checkpoint, all on one scale, and the name of the prompts."""
    probed = (trend(c.name, c.probe) for c in report.material.result.checkpoints)
    trends = {points[0].checkpoint: points for points in probed if len(points) > 1}
    curves = {name: likelihood_curves(points) for name, points in trends.items()}
    scale = span([curve for own in curves.values() for curve in own])
    charts = [
        {
            "name": name,
            "page": report.checkpoints[name],
            "chart": curves_chart(f"{name}: change in log-probability", own, scale, zero=True),
        }
        for name, own in curves.items()
    ]
    return charts, prompts_named([p for points in trends.values() for p in points])
