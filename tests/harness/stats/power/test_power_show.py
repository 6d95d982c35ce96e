"""`nca power`: what it reads off results, what it says, what it refuses."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import variance

import numpy as np
import pytest

from harness.cli.power_summary import table
from harness.errors import RecipeError, RunError
from harness.stats.power.budget import Budget, assumed, of_assumed, of_result, question
from harness.stats.power.pairing import averaged, family, pairing, pairs_of, seeds
from harness.storage.result import CheckpointResult, Result, SampleResult, SuiteResult

DEMO = Path(__file__).resolve().parents[4] / "results" / "runs" / "demo.json"


def suite(*repeats: Sequence[float | None], name: str = "maths") -> SuiteResult:
    """A suite result: one sequence of values, by prompt, a repeat."""
    return SuiteResult(
        suite=name,
        headline="accuracy",
        metrics={},
        statuses={},
        samples=tuple(
            SampleResult(id=str(i), repeat=r, value=v, status="ok")
            for r, values in enumerate(repeats)
            for i, v in enumerate(values)
        ),
        protocol={},
    )


def result(**checkpoints: SuiteResult) -> Result:
    return Result(
        recipe="toy",
        key="0",
        base="some-model",
        baseline="base",
        checkpoints=tuple(
            CheckpointResult(name=name.replace("_", "-"), fingerprint=name, suites={s.suite: s})
            for name, s in checkpoints.items()
        ),
    )


def said(budget: Budget, beginning: str) -> str:
    (note,) = (note for note in table(budget).notes if note.startswith(beginning))
    return note


def test_pairing_is_read_off_values_by_hand() -> None:
    """One of the two right on 2 of 8; 4 and 4 right. Both right 3, so the correlation is
    (3/8 − 1/4) / (1/4) = 0.5; differences 1, −1 and six 0: variance 2/7.
    """
    found = pairing(suite([1, 1, 1, 1, 0, 0, 0, 0]), suite([1, 1, 1, 0, 1, 0, 0, 0]))

    assert (found.n, found.repeats, found.discordant) == (8, 1, 0.25)
    assert found.correlation == pytest.approx(0.5)
    assert found.variance == pytest.approx(2 / 7)
    assert found.within is None


def test_samples_that_lack_a_value_are_no_pairs() -> None:
    found = pairing(suite([1, 0, None, 1]), suite([1, 1, 0, None]))
    assert (found.n, found.discordant) == (2, 0.5)
    with pytest.raises(RunError, match="1 shared prompts"):
        pairing(suite([1, None]), suite([1, 1]))


def test_repeats_split_the_variance_by_hand() -> None:
    """Each checkpoint has one prompt of two whose two answers differ: within (0 + 0.5)/2 each."""
    first, second = suite([1, 0], [0, 0]), suite([1, 1], [1, 0])

    found = pairing(first, second)

    assert (found.within, found.repeats, found.discordant) == (0.5, 2, None)
    assert found.variance == variance([0.5 - 1, 0 - 0.5])
    assert found.variance_with(2) == 0.25  # 0 observed between: not below 0, then 0.5 / 2
    assert found.variance_with(None) == 0.0


def test_repeats_split_the_variance_of_simulated_answers() -> None:
    """1,500 prompts, right with chance p (the same for both): within is 2·E[p(1 − p)] = 1/3."""
    rng = np.random.default_rng(0)
    chances = rng.uniform(size=1_500)
    first, second = (suite(*(rng.random((3, 1_500)) < chances).astype(float)) for _ in range(2))

    found = pairing(first, second)

    assert found.within == pytest.approx(1 / 3, abs=0.04)
    assert found.variance_with(3) == pytest.approx(found.variance, abs=0.02)
    assert found.variance_with(None) == pytest.approx(0.0, abs=0.02)


def test_checkpoints_that_differ_in_the_seed_are_told_by_name() -> None:
    right = suite([1, 0])
    run = result(base=right, nca_seed0=right, nca_seed1=right, nca_beta2_seed0=right, dpo=right)

    assert list(family(run, "nca", "maths")) == ["nca-seed0", "nca-seed1"]
    assert list(family(run, "nca-seed1", "maths")) == ["nca-seed0", "nca-seed1"]
    assert list(family(run, "nca-beta2", "maths")) == ["nca-beta2-seed0"]
    assert list(family(run, "dpo", "maths")) == ["dpo"]
    with pytest.raises(RunError, match=r"no 'kto' with maths: it has base, nca-seed0"):
        family(run, "kto", "maths")


def test_seeds_are_paired_with_their_equals() -> None:
    values = {name: suite([i, i]) for i, name in enumerate(("a-seed0", "a-seed1", "b-seed1"))}
    ours = {name: values[name] for name in ("a-seed0", "a-seed1")}
    theirs = {"b-seed1": values["b-seed1"]}

    assert pairs_of("a", "b", ours, theirs) == [
        (values["b-seed1"], values["a-seed0"]),
        (values["b-seed1"], values["a-seed1"]),
    ]
    assert pairs_of("a-seed1", "b", ours, theirs) == [(values["b-seed1"], values["a-seed1"])]


def test_the_spread_over_seeds_is_pooled_by_hand() -> None:
    """Scores 0.25, 0.5, 0.75 and 0, 0.5: squares 0.125 and 0.125, over 2 + 1 degrees: 1/12."""
    ours = {str(n): suite([1.0] * n + [0.0] * (4 - n)) for n in (1, 2, 3)}
    theirs = {str(n): suite([1.0] * n + [0.0] * (4 - n)) for n in (0, 2)}

    found = seeds(ours, theirs)

    assert found is not None
    assert found.sd == pytest.approx((1 / 12) ** 0.5)
    assert found.interval.low < found.sd < found.interval.high
    assert (found.counts, found.both) == ((3, 2), True)
    assert seeds({"x": suite([1, 0])}, theirs | {}) is not None
    assert seeds({"x": suite([1, 0])}, {"y": suite([1, 0])}) is None


def test_seeds_of_a_result_are_planned_for_and_their_pairs_averaged() -> None:
    run = result(
        base=suite([1, 0, 0, 0]), nca_seed0=suite([1, 1, 0, 0]), nca_seed1=suite([1, 1, 1, 0])
    )

    budget = of_result(question(10, 0.8, 0.05, 1), run, None, "nca", None)

    assert budget.pairing.discordant == 0.375
    assert budget.plan
    assert budget.plan.low <= budget.plan.needed <= budget.plan.high
    assert "base is taken as fixed" in said(budget, "Training seeds")
    assert "from 2 and 1 seeds" in said(budget, "Training seeds")


def test_what_is_not_known_is_said() -> None:
    run = result(base=suite([1, 0, 0, 1]), nca=suite([1, 1, 0, 0]))

    budget = of_result(question(10, 0.8, 0.05, 1), run, None, None, None)

    assert "not known" in said(budget, "Training seeds")
    assert "not known" in said(budget, "Repeats")


def test_repeats_get_a_row_each_and_need_ever_fewer_prompts() -> None:
    rng = np.random.default_rng(0)
    first, second = (suite(*rng.integers(0, 2, (2, 50)).astype(float)) for _ in range(2))

    budget = of_result(question(5, 0.8, 0.05, 1), result(base=first, nca=second), None, None, None)

    needed = [d.samples for d in budget.designs if "answer" in d.name]
    assert len(needed) == 5
    assert needed == sorted(needed, reverse=True)
    assert needed[0] > needed[-1]


def test_the_demo_needs_more_prompts_than_it_has() -> None:
    """README's table cannot tell nca from base: here is how far off it is."""
    from harness.storage.result import read_result

    budget = of_result(question(5, 0.8, 0.05, 1), read_result(DEMO), None, "nca", None)

    paired, unpaired = budget.designs
    assert 200 < paired.samples < unpaired.samples
    assert paired.samples_low is not None
    assert paired.samples_high is not None
    assert paired.samples_low < paired.samples < paired.samples_high
    assert paired.detectable is not None
    assert paired.detectable > 0.05


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((0.4, 0.2, 0.5), "one of the two"),
        ((0.4, None, None), "one of the two"),
        ((0.4, 0.01, None), "between 0.05 and 0.85"),
        ((0.4, None, 0.99), "a correlation of -0.74 to 0.90"),
        ((1.4, 0.2, None), "must lie within 0 and 1"),
    ],
)
def test_figures_that_cannot_be_are_refused(
    figures: tuple[float, float | None, float | None], said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        assumed(figures[0], 0.05, figures[1], figures[2], None)


def test_assumed_figures_have_no_interval() -> None:
    budget = of_assumed(question(5, 0.8, 0.05, 3), (0.4, None, 0.6), 200)

    assert budget.pairing.correlation == pytest.approx(0.6)
    assert budget.designs[0].samples_low is None
    assert "[" not in said(budget, "Pairing (assumed)")
    assert "0.017 each" in said(budget, "Question")


def test_an_accuracy_near_one_takes_the_difference_downwards() -> None:
    assert assumed(0.98, 0.05, 0.08, None, None).second == pytest.approx(0.93)


def test_averages_of_pairings_keep_what_is_known() -> None:
    some = pairing(suite([1, 0, 1, 0]), suite([1, 1, 1, 0]))
    flat = pairing(suite([1, 1, 1, 1]), suite([1, 0, 1, 0]))

    found = averaged([some, flat])

    assert found.discordant == 0.375
    assert found.correlation == some.correlation  # the other has none


def test_the_command_prints_a_table_and_writes_what_is_behind_it(
    nca: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "power.json"

    asked = ("--points", "5", "--checkpoint", "dpo", "--tracking", "none")
    assert nca("power", DEMO, *asked, "--json", file) == 0

    assert "200 prompts show" in capsys.readouterr().out
    found: Mapping[str, object] = json.loads(file.read_text())
    assert found["difference"] == 0.05
    assert set(found) >= {"pairing", "designs", "seeds", "question"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--points", "5"), "name a run"),
        (("--points", "0"), "--points"),
        (("--points", "120", "--accuracy", "0.4", "--discordant", "0.2"), "less than 100"),
        (("--points", "5", "--accuracy", "0.4", "--discordant", "0.2", "--power", "2"), "--power"),
        ((str(DEMO), "--points", "5"), "say which with --checkpoint: dpo, infonca, nca"),
        ((str(DEMO), "--points", "5", "--suite", "gsm8k"), "two checkpoints have arithmetic"),
        ((str(DEMO), "--points", "5", "--checkpoint", "kto"), "it has base, dpo"),
        ((str(DEMO), "--points", "5", "--accuracy", "0.4"), "do not go together"),
        (("nowhere.json", "--points", "5"), "no result there"),
        (("--points", "0.001", "--accuracy", "0.4", "--discordant", "0.2"), "larger difference"),
    ],
)
def test_a_mistake_ends_with_exit_code_2_and_a_remedy(
    arguments: tuple[str, ...],
    said: str,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert nca("power", *arguments) == 2

    error = capsys.readouterr().err
    assert said in " ".join(error.split())
    assert "Traceback" not in error
