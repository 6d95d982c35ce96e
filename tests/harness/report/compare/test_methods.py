"""Methods: told by their seeds, compared only with three of them."""

import numpy as np
import pytest

from harness.report.compare.comparison import compare
from harness.report.compare.verdict import verdict
from harness.report.tables.score_table import comparison_table
from harness.stats.methods import methods
from harness.stats.seeds import method_difference
from harness.storage.result import Result, SuiteResult

from .results import result, suite


def _drawn(chance: float, seed: int) -> SuiteResult:
    right = np.random.default_rng(seed).random(200) < chance
    return suite([float(x) for x in right])


def _trained(seeds: int) -> Result:
    chances = {"dpo": 0.3, "nca": 0.8}
    settings = {
        f"{method}-seed{s}": {"method": method, "seed": s, "beta": 0.1}
        for method in chances
        for s in range(seeds)
    }
    drawn = {
        name: [_drawn(chances[str(one["method"])], i)]
        for i, (name, one) in enumerate(settings.items())
    }
    return result(settings, base=[_drawn(0.3, 99)], **drawn)


def test_with_three_seeds_methods_are_compared_and_named() -> None:
    found = compare(_trained(3), "base")
    assert [m.name for m in found.methods] == ["dpo", "nca"]
    assert {(g.first, g.second) for g in found.gaps} == {
        ("nca", "base"), ("dpo", "base"), ("dpo", "nca"),
    }  # fmt: skip
    text = verdict(found)
    assert "On maths, method dpo is significantly below nca by -" in text
    assert "over 3 and 3 training seeds" in text
    assert "On maths, the methods dpo and base do not differ significantly." in text
    assert any("method nca has the mean" in n for n in comparison_table(found).notes)


def test_gaps_are_those_of_the_statistics_on_shared_prompts() -> None:
    found = compare(_trained(3), "base")
    series = {
        c.name: [s.value or 0.0 for s in sorted(c.suites["maths"].samples, key=lambda s: s.id)]
        for c in found_checkpoints(_trained(3))
    }
    expected = method_difference(
        [series[f"dpo-seed{s}"] for s in range(3)], [series[f"nca-seed{s}"] for s in range(3)]
    )
    gap = next(g for g in found.gaps if (g.first, g.second) == ("dpo", "nca"))
    assert gap.difference.delta == pytest.approx(expected.delta)
    assert gap.difference.p_value == pytest.approx(expected.p_value)


def found_checkpoints(found: Result) -> list:  # type: ignore[type-arg]
    """The checkpoints that were trained."""
    return [c for c in found.checkpoints if c.train]


def test_two_seeds_have_a_spread_but_no_method_is_ranked() -> None:
    found = compare(_trained(2), "base")
    assert found.gaps == ()
    assert "each checkpoint is one training run" in verdict(found)
    assert "method" not in verdict(found).replace("or methods", "")
    assert all(m.spreads["maths"].degrees == 1 for m in found.methods)


def test_settings_tell_a_method_where_names_do_not() -> None:
    settings = {"one": {"beta": 0.1, "seed": 0}, "two": {"beta": 0.1, "seed": 1}}
    alike = result(settings, one=[], two=[], other=[])
    assert [m.checkpoints for m in methods(alike)] == [("one", "two")]
    named = {"nca-seed0": {"beta": 0.1, "seed": 0}, "nca-seed1": {"beta": 0.5, "seed": 1}}
    assert methods(result(named, **{name: [] for name in named})) == ()
    unknown = result(**{"nca-seed0": [], "nca-seed1": []})
    assert [m.name for m in methods(unknown)] == ["nca"]
    twice = {"a": {"beta": 0.1, "seed": 0}, "b": {"beta": 0.1, "seed": 0}}
    assert methods(result(twice, a=[], b=[])) == ()


def test_a_method_is_not_compared_with_one_of_its_own_seeds() -> None:
    named = result(base=[_drawn(0.3, 9)], **{f"nca-seed{s}": [_drawn(0.5, s)] for s in range(3)})
    assert compare(named, "nca-seed0").gaps == ()
    assert [(g.first, g.second) for g in compare(named, "base").gaps] == [("nca", "base")]


def test_a_missing_value_keeps_methods_from_being_compared() -> None:
    whole = _trained(3)
    hole = suite([None, *(s.value for s in whole.checkpoints[1].suites["maths"].samples[1:])])
    first = whole.checkpoints[1].model_copy(update={"suites": {"maths": hole}})
    holes = whole.model_copy(
        update={"checkpoints": (whole.checkpoints[0], first, *whole.checkpoints[2:])}
    )
    strict, allowed = (compare(holes, "base", allow_missing=allow) for allow in (False, True))
    assert {(g.first, g.second) for g in strict.gaps} == {("nca", "base")}
    assert len(allowed.gaps) == 3
