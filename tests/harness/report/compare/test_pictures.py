"""Pictures of differences, of settings that were varied, of KL and of categories."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from harness.report.compare.comparison import compare
from harness.report.compare.plotted import categories
from harness.report.figures.ablation_figure import ablation, draw_ablation
from harness.report.figures.category_figure import draw_categories
from harness.report.figures.distance_figure import draw_kl
from harness.report.figures.forest_figure import draw_deltas
from harness.stats.cells import Comparison
from harness.storage.result import Result, SampleResult, SuiteResult

from .results import kl, result, suite

METHODS, BETAS, ALPHAS = ("dpo", "infonca", "nca"), (0.03, 0.1, 0.3), (0.1, 1.0)


def _right(chance: float, seed: int) -> SuiteResult:
    drawn = np.random.default_rng(seed).random(200) < chance
    return suite([float(x) for x in drawn])


def _far(distance: float, seed: int) -> SuiteResult:
    return kl(list(np.random.default_rng(seed).normal(distance, 0.5, 40)))


def swept() -> Result:
    """Methods over beta and, but for one, alpha; the number of responses for two; KL for all."""
    points: dict[str, dict[str, Any]] = {
        f"{method}-beta{beta}": {"method": method, "beta": beta, "alpha": 0.1, "seed": 0}
        for method, beta in product(METHODS, BETAS)
    }
    points |= {
        f"{method}-alpha{alpha}": {"method": method, "beta": 0.1, "alpha": alpha, "seed": 0}
        for method, alpha in product(METHODS[1:], ALPHAS[1:])
    }
    points |= {
        f"{method}-k{k}": {"method": method, "beta": 0.5, "responses": k, "seed": 0}
        for method, k in product(METHODS[1:], (2, 4))
    }
    scores = {
        name: [_right(0.25 + 0.03 * i, i), _far(0.5 + 0.4 * i, i)] for i, name in enumerate(points)
    }
    return result(points, base=[_right(0.2, 99)], **scores)


@pytest.fixture(scope="module")
def sweep() -> Result:
    return swept()


@pytest.fixture(scope="module")
def comparison(sweep: Result) -> Comparison:
    return compare(sweep, "base")


Draw = Callable[[Result, Comparison, Path], tuple[Path, ...]]
PICTURES: dict[str, tuple[Draw, tuple[str, ...]]] = {
    "deltas": (
        lambda _, comparison, stem: draw_deltas(comparison, stem),
        ("nca-beta0.03", "against base, points", "does not differ significantly from base"),
    ),
    "kl": (draw_kl, ("kl:maths, nats", "accuracy, %", "dpo", "nca", "base")),
    "responses": (
        lambda result, comparison, stem: draw_ablation(result, comparison, stem, ["responses"]),
        ("responses a prompt, K", "2", "4", "infonca", "nca", "base"),
    ),
    "alpha-beta": (
        lambda result, comparison, stem: draw_ablation(result, comparison, stem, ["beta", "alpha"]),
        ("beta", "alpha", "0.03", "dpo", "infonca", "nca", "base"),
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_says_what_it_shows_and_is_equal_when_drawn_again(
    name: str, sweep: Result, comparison: Comparison, tmp_path: Path
) -> None:
    draw, words = PICTURES[name]
    first, again = (draw(sweep, comparison, tmp_path / folder / name) for folder in ("a", "b"))
    assert [path.name for path in first] == [f"{name}.png", f"{name}.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    texts = {(text.text or "").strip() for text in ET.parse(first[1]).getroot().iter()}
    assert [word for word in words if not any(word in text for text in texts)] == []


@pytest.mark.parametrize("name", [*PICTURES, "categories"])
def test_nothing_is_drawn_without_data(name: str, tmp_path: Path) -> None:
    plain = result(base=[_right(0.5, 0)])
    draw = PICTURES[name][0] if name in PICTURES else draw_categories
    assert draw(plain, compare(plain, "base"), tmp_path / name) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_line_has_checkpoints_alike_in_all_but_its_setting(
    sweep: Result, comparison: Comparison
) -> None:
    betas = ablation(sweep, comparison, "beta", "maths")
    assert [(line.label, [p.at for p in line.points]) for line in betas] == [
        (method, list(BETAS)) for method in METHODS
    ]
    alphas = ablation(sweep, comparison, "alpha", "maths")
    assert [(line.label, [p.at for p in line.points]) for line in alphas] == [
        (method, list(ALPHAS)) for method in METHODS[1:]
    ]
    counts = ablation(sweep, comparison, "responses", "maths")
    assert [(line.label, [p.at for p in line.points]) for line in counts] == [
        (method, [2.0, 4.0]) for method in METHODS[1:]
    ]


def test_seeds_of_one_setting_are_one_point() -> None:
    points = {
        f"nca-beta{beta}-seed{seed}": {"method": "nca", "beta": beta, "seed": seed}
        for beta, seed in product((0.1, 0.3), (0, 1))
    }
    chances = dict(
        zip(points, ([1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]), strict=True)
    )
    found = result(points, base=[], **{name: [suite(v)] for name, v in chances.items()})
    (line,) = ablation(found, compare(found, "base"), "beta", "maths")
    assert [(p.at, p.value, p.bounds) for p in line.points] == [
        (0.1, 0.375, (0.25, 0.5)), (0.3, 0.875, (0.75, 1.0)),
    ]  # fmt: skip


PARTS = ("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities")


def rated(level: float, seed: int) -> SuiteResult:
    """Ratings in eight categories, ten dialogues each."""
    rng = np.random.default_rng(seed)
    samples = []
    for number, part in enumerate(PARTS):
        for i in range(10):
            value = float(np.clip(rng.normal(level - 0.3 * number, 1.5), 1, 10))
            own = {"score": value, f"{part}/score": value}
            samples.append(SampleResult(id=f"{part}{i}", value=value, status="ok", metrics=own))
    means = {
        f"{part}/score": float(np.mean([s.value for s in samples if part in s.id]))
        for part in PARTS
    }
    return SuiteResult(
        suite="mt_bench", headline="score", metrics={"score": level, **means},
        statuses={"ok": 80}, samples=tuple(samples), protocol={}, bounds=(1.0, 10.0),
    )  # fmt: skip


def test_categories_are_those_that_a_suite_counts(tmp_path: Path) -> None:
    chat = result(base=[rated(5, 0)], dpo=[rated(6, 1)], nca=[rated(7, 2)])
    found = categories(chat.checkpoints[0].suites["mt_bench"])
    assert [one.name for one in found] == list(PARTS)
    assert all(one.interval and one.interval.low < one.value < one.interval.high for one in found)
    _, svg = draw_categories(chat, compare(chat, "base"), tmp_path / "chat")
    text = "".join(ET.parse(svg).getroot().itertext())
    assert all(part in text for part in (*PARTS, "score", "base", "dpo", "nca"))
