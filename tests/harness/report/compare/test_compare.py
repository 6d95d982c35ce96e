"""What a comparison claims, what it withholds and what it refuses."""

from pathlib import Path

import pytest
from torch import tensor

from harness.errors import RunError
from harness.report.compare.comparison import compare
from harness.report.compare.likelihood import Likelihood, likelihood, prompts_named, trend
from harness.report.compare.verdict import verdict
from harness.stats.cells import AVERAGE
from harness.stats.intervals import wilson
from harness.stats.paired import holm, mcnemar
from harness.stats.records import Mean
from harness.stats.series import paired_values
from harness.storage.result import SampleResult, read_result
from train.trainer.metrics import BatchScores, summarise

from .results import result, suite

GOLDEN = Path(__file__).parents[2] / "golden" / "result.json"


RIGHT, WRONG = [1.0] * 12, [0.0] * 12


def test_value_interval_and_delta_are_those_of_the_statistics() -> None:
    found = compare(result(base=[suite(WRONG)], nca=[suite(RIGHT)]), "base")
    base, nca = found.cell("base", "maths"), found.cell("nca", "maths")
    assert base
    assert base.delta is None
    assert nca
    assert nca.delta
    assert (nca.value, nca.interval) == (1.0, wilson(12, 12))
    assert (nca.delta.delta, nca.p_holm) == (1.0, mcnemar(12, 0))
    assert nca.significant


def test_p_values_are_corrected_for_every_delta_of_the_table() -> None:
    half = [1.0, 0.0] * 6
    found = compare(
        result(base=[suite(WRONG)], a=[suite(RIGHT)], b=[suite(half)], c=[suite(WRONG)]), "base"
    )
    raw = [mcnemar(12, 0), mcnemar(6, 0), mcnemar(0, 0)]
    cells = [found.cell(name, "maths") for name in "abc"]
    assert [cell and cell.p_holm for cell in cells] == list(holm(raw))


def test_samples_are_paired_by_id_and_repeat_whatever_their_order() -> None:
    first = suite([1.0, 0.0, 1.0])
    second = first.model_copy(update={"samples": tuple(reversed(first.samples[1:]))})
    assert paired_values(first, second) == ([0.0, 1.0], [0.0, 1.0])


def test_repeats_count_as_one_prompt() -> None:
    samples = tuple(
        SampleResult(id=str(i), repeat=r, value=float(r), status="ok")
        for i in range(5)
        for r in range(2)
    )
    repeated = suite([]).model_copy(update={"samples": samples})
    cell = compare(result(base=[repeated]), "base").cell("base", "maths")
    assert cell
    assert (cell.value, cell.n, cell.total) == (0.5, 5, 5)


def test_a_missing_value_withholds_the_headline_and_every_delta_to_it() -> None:
    broken = result(base=[suite([*RIGHT, None])], nca=[suite([*RIGHT, 0.0])])
    strict = compare(broken, "base")
    base, nca = strict.cell("base", "maths"), strict.cell("nca", "maths")
    assert base
    assert nca
    assert (base.value, base.interval, base.n, base.total) == (None, None, 12, 13)
    assert (nca.value, nca.delta) == (12 / 13, None)
    assert "base on maths is withheld, because only 12 of 13 prompts" in verdict(strict)


def test_allowing_missing_values_shows_the_mean_of_the_others_and_its_bounds() -> None:
    broken = result(base=[suite([*RIGHT, None])], nca=[suite([*RIGHT, 0.0])])
    found = compare(broken, "base", allow_missing=True)
    base, nca = found.cell("base", "maths"), found.cell("nca", "maths")
    assert base
    assert nca
    assert nca.delta
    assert (base.value, base.bounds) == (1.0, (12 / 13, 1.0))
    assert (nca.delta.n, nca.delta.delta) == (12, 0.0)


@pytest.mark.parametrize(
    ("values", "limits", "bounds"),
    [
        ([7.0, 4.0, None, None], (1.0, 10.0), (3.25, 7.75)),
        ([1.0, 1.0, None], (1.0, 10.0), (1.0, 4.0)),
        ([None, None], (1.0, 10.0), (1.0, 10.0)),
        ([7.0, None], (0.0, 1.0), None),  # an older record, which does not say what can be
        ([7.0, 4.0], (1.0, 10.0), None),
    ],
)
def test_a_missing_rating_may_have_been_the_worst_or_the_best_there_is(
    values: list[float | None], limits: tuple[float, float], bounds: tuple[float, float] | None
) -> None:
    rated = suite(values, name="chat", headline="score").model_copy(update={"bounds": limits})
    found = compare(result(base=[rated]), "base", allow_missing=True)
    cell = found.cell("base", "chat")
    assert cell
    assert cell.bounds == bounds
    assert not found.columns[0].fraction


def test_another_protocol_is_refused_by_name() -> None:
    mixed = result(base=[suite(RIGHT, engine="vllm 1")], nca=[suite(RIGHT, engine="vllm 2")])
    with pytest.raises(RunError, match="maths: engine is vllm 1 for base and vllm 2 for nca"):
        compare(mixed, "base")
    (warning,) = compare(mixed, "base", allow_mismatch=True).warnings
    assert "vllm 2" in warning


def test_a_protocol_that_one_side_does_not_state_is_refused() -> None:
    with pytest.raises(RunError, match="sandbox is not stated for base and 2 for nca"):
        compare(result(base=[suite(RIGHT)], nca=[suite(RIGHT, sandbox="2")]), "base")


@pytest.mark.parametrize("key", [
    "suite", "prompts", "template", "decoding", "repeats", "seed", "engine", "dtype", "judge",
    "sandbox", "tier", "reference",
])  # fmt: skip
def test_whatever_of_a_protocol_differs_is_refused_by_name(key: str) -> None:
    mixed = result(base=[suite(RIGHT, **{key: "one"})], nca=[suite(RIGHT, **{key: "two"})])
    with pytest.raises(RunError, match=f"maths: {key} is one for base and two for nca"):
        compare(mixed, "base")
    assert any("one for base" in w for w in compare(mixed, "base", allow_mismatch=True).warnings)


def test_programs_that_were_contained_less_strongly_are_named() -> None:
    weak = [suite(RIGHT, name="code", tier="B")]
    assert compare(result(base=weak, nca=weak), "base").warnings == (
        "code: its programs were contained on tier B, not A (docs/explanation/security.md)",
    )
    strong = [suite(RIGHT, name="code", tier="A")]
    assert compare(result(base=strong, nca=strong), "base").warnings == ()


def test_other_samples_are_named_and_no_shared_sample_is_refused() -> None:
    longer = compare(result(base=[suite(RIGHT)], nca=[suite([*RIGHT, 1.0])]), "base")
    assert longer.warnings == (
        "maths: base has 12 samples and nca 13; the difference uses the 12 shared ones",
    )
    other = suite([1.0])
    other = other.model_copy(update={"samples": (SampleResult(id="x", value=1.0, status="ok"),)})
    with pytest.raises(RunError, match="share no sample"):
        compare(result(base=[suite(RIGHT)], nca=[other]), "base")


def test_an_unknown_baseline_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(RunError, match=r"no checkpoint 'sft': it has base, nca"):
        compare(result(base=[], nca=[]), "sft")


def test_one_suite_has_no_average_and_ratings_are_never_averaged_with_fractions() -> None:
    rated = suite([1.0, 1.0, 1.0], name="chat").model_copy(update={"bounds": (1.0, 10.0)})
    assert len(compare(result(base=[suite(RIGHT)]), "base").columns) == 1
    columns = compare(result(base=[suite(RIGHT), rated]), "base").columns
    assert [(c.suite, c.fraction) for c in columns] == [("maths", True), ("chat", False)]


def test_the_average_needs_every_suite() -> None:
    code = suite([0.5, 0.25, 0.75], name="code")
    found = compare(result(base=[suite(WRONG), code], nca=[suite(RIGHT)]), "base")
    average = found.cell("base", AVERAGE)
    assert average
    assert average.value == pytest.approx(0.25)
    assert found.cell("nca", AVERAGE) is None


def test_a_single_graded_prompt_gets_no_interval_and_no_delta() -> None:
    found = compare(result(base=[suite([0.5])], nca=[suite([0.7])]), "base")
    cell = found.cell("nca", "maths")
    assert cell
    assert (cell.value, cell.interval, cell.delta) == (0.7, None, None)


def test_graded_values_that_are_all_equal_get_no_interval_and_right_ones_wilsons() -> None:
    graded = [suite([0.5] * 4), suite([1.0] * 4, name="code")]
    found = compare(result(base=graded, nca=[suite([0.75] * 4), graded[1]]), "base")
    maths, code, average = (cell for _, cell in found.row("nca"))
    assert maths
    assert maths.delta
    assert (maths.interval, maths.delta.interval, maths.delta.delta) == (None, None, 0.25)
    assert code
    assert code.delta
    assert code.interval == wilson(4, 4)
    assert code.delta.interval is not None
    assert average
    assert average.delta
    assert (average.interval, average.delta.interval, average.value) == (None, None, 0.875)


def test_who_met_only_itself_has_a_half_that_nobody_measured() -> None:
    games = [
        suite([0.5] * 6, headline="win_rate", against="base"),
        suite([1.0, 0.5, 1.0, 1.0, 0.5, 0.0], headline="win_rate", against="base"),
    ]
    found = compare(result(base=games[:1], nca=games[1:]), "base")
    base, nca = found.cell("base", "maths"), found.cell("nca", "maths")
    assert base
    assert (base.value, base.interval) == (0.5, None)
    assert nca
    assert nca.interval is not None
    assert nca.delta
    assert nca.delta.delta == pytest.approx(4 / 6 - 0.5)


def test_the_verdict_names_checkpoints_and_ranks_no_method() -> None:
    assert verdict(compare(read_result(GOLDEN), "base")) == (
        "On arithmetic, dpo (+13.0) and infonca (+10.0) are significantly above base. "
        "On arithmetic, nca does not differ significantly from base. "
        "No checkpoint differs significantly from base on humaneval (16 prompts; differences "
        "below 63.2 points may not show) or the average. "
        "The other checkpoints or methods are not ranked, because each checkpoint is one training "
        "run."
    )


def test_nothing_shown_is_said_so() -> None:
    text = verdict(compare(result(base=[suite(RIGHT)], nca=[suite(RIGHT)]), "base"))
    assert text.startswith("No checkpoint differs significantly from base on maths (12 prompts).")


def test_the_same_seed_gives_the_same_comparison() -> None:
    assert compare(read_result(GOLDEN), "base") == compare(read_result(GOLDEN), "base")


def test_likelihood_reads_what_training_logs() -> None:
    logps = tensor([[-9.0, -36.0], [-23.0, -32.0]])
    reference = tensor([[-10.0, -30.0], [-20.0, -30.0]])
    scores = BatchScores(
        logps=logps,
        ref_logps=reference,
        rewards=tensor([[1.0, 0.0], [1.0, 0.0]]),
        mask=tensor([[True, True], [True, True]]),
        lengths=tensor([[5, 5], [5, 5]]),
        implicit=0.1 * (logps - reference),
        losses=tensor([0.5, 0.5]),
        entropy=None,
    )
    (row,) = trend("nca", [{"split": "probe", "step": 5, **summarise(scores)}])
    assert row.best == Mean(-1.0, 2.0, 2)
    assert (row.worst.value, row.margin.value, row.rose) == (-4.0, 3.0, 0.5)
    assert trend("nca", [{"step": 0, "logratio_best": None, "logratio_worst": None}]) == ()


def test_prompts_are_called_held_out_only_where_they_were() -> None:
    def row(trained_on: int | None) -> Likelihood:
        change = Mean(0.0, None, 8)
        return Likelihood("nca", 1, change, change, change, None, trained_on)

    assert prompts_named([row(0), row(0)]) == "held-out prompts"
    assert prompts_named([row(8), row(8)]) == "prompts that were trained on"
    for rows in ([row(None)], [row(3)], [row(0), row(8)], []):
        assert prompts_named(rows) == "probe prompts"


def test_a_checkpoint_without_probes_has_no_likelihood_row() -> None:
    assert [row.checkpoint for row in likelihood(read_result(GOLDEN))] == ["dpo", "infonca", "nca"]
