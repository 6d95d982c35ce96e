"""The length-controlled win rate is the true one where the truth is known."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from eval_suites.errors import DataError
from eval_suites.grading.suite_rules import metrics_of
from eval_suites.judging import length_model
from eval_suites.judging.length_control import DIFFICULTY_FILE, NAME, Controls, load_controls
from eval_suites.judging.length_model import controlled_rate, fit, predicted_rate
from eval_suites.requests import Answer
from eval_suites.suites.alpaca_eval import BASELINE_2, PROMPT_2, SECOND, Sample, score_of

ROWS = 400
TRUTH = np.array([-1.2, 0.8, -0.5])


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Length differences, difficulties and preferences by the model that is fitted."""
    rng = np.random.default_rng(seed)
    gaps, hard = rng.normal(400, 700, ROWS), rng.normal(0, 1, ROWS)
    features = np.stack([np.tanh(gaps / gaps.std(ddof=1)), hard, np.ones(ROWS)], axis=1)
    return gaps, hard, expit(features @ TRUTH)


def gamed(hard: np.ndarray) -> list[tuple[float, float, float]]:
    """Rows of two gamed baselines by the same coefficients, without the constant."""
    rows = []
    for gap in (-0.7, 0.9):
        likely = expit(TRUTH[0] * np.tanh(gap) + TRUTH[1] * hard)
        rows += [(float(p), gap, float(h)) for p, h in zip(likely, hard, strict=True)]
    return rows


def rate(
    gaps: np.ndarray, hard: np.ndarray, targets: np.ndarray, rows: list[tuple[float, float, float]]
) -> float:
    return controlled_rate(list(gaps), list(hard), list(targets), rows)


def test_the_rate_is_the_one_at_equal_lengths() -> None:
    gaps, hard, targets = drawn()
    level = float(expit(TRUTH[1] * hard + TRUTH[2]).mean())
    # The model answers briefly: its plain win rate is far from that at equal lengths.
    assert abs(targets.mean() - level) > 0.05
    assert rate(gaps, hard, targets, gamed(hard)) == pytest.approx(level, abs=1e-3)
    assert rate(gaps, hard, targets, []) == pytest.approx(level, abs=1e-3)


def test_without_an_effect_of_length_the_rate_is_the_plain_one() -> None:
    gaps, hard, _ = drawn()
    targets = expit(TRUTH[1] * hard + TRUTH[2])
    rows = [(float(expit(TRUTH[1] * h)), gap, float(h)) for gap in (-0.7, 0.9) for h in hard]
    assert rate(gaps, hard, targets, rows) == pytest.approx(targets.mean(), abs=1e-4)


def test_the_rate_does_not_depend_on_chance() -> None:
    gaps, hard, targets = drawn()
    noisy = np.clip(targets + np.random.default_rng(1).normal(0, 0.2, ROWS), 0, 1)
    assert len({rate(gaps, hard, noisy, gamed(hard)) for _ in range(3)}) == 1


def test_coefficients_come_back_also_from_noisy_preferences() -> None:
    features, targets = drawn_features()
    noisy = np.clip(targets + np.random.default_rng(1).normal(0, 0.05, ROWS), 0, 1)
    coefficients = fit(features, noisy, np.ones(ROWS))
    assert coefficients.shape == (3,)
    assert coefficients == pytest.approx(TRUTH, abs=0.1)


def drawn_features() -> tuple[np.ndarray, np.ndarray]:
    gaps, hard, targets = drawn()
    return np.stack([np.tanh(gaps / gaps.std(ddof=1)), hard, np.ones(ROWS)], axis=1), targets


def test_weights_decide_between_rows_that_disagree() -> None:
    features, targets = drawn_features()
    both = np.concatenate([features, features]), np.concatenate([targets, 1 - targets])
    weights = np.repeat([1.0, 0.0], ROWS)
    assert fit(*both, weights) == pytest.approx(TRUTH, abs=0.01)
    assert fit(*both, weights[::-1]) == pytest.approx(-TRUTH, abs=0.01)


def test_the_penalty_holds_coefficients_at_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    features, targets = drawn_features()

    def size(strength: float) -> float:
        monkeypatch.setattr(length_model, "STRENGTHS", [strength])
        return float(np.abs(fit(features, targets, np.ones(ROWS))).sum())

    assert size(1e-4) == 0
    assert size(0.05) < size(5) < np.abs(TRUTH).sum()


def test_a_rate_follows_from_coefficients() -> None:
    rates = expit(np.array([-0.5 + 2 * 0.8, -0.5]))
    assert predicted_rate(TRUTH, np.array([2.0, 0.0])) == pytest.approx(rates.mean())


def test_rows_without_a_verdict_count_in_lengths_and_mean_but_are_not_fitted() -> None:
    gaps, hard, targets = drawn()
    holes = targets.copy()
    holes[::10] = np.nan
    level = float(expit(TRUTH[1] * hard + TRUTH[2]).mean())
    # The spread of the lengths is that of all rows, so that the truth still fits the others.
    assert rate(gaps, hard, holes, gamed(hard)) == pytest.approx(level, abs=1e-3)


def samples_with_controls() -> list[tuple[str, Sample, float, int]]:
    """Ids, samples, preferences and the model's lengths."""
    gaps, hard, _ = drawn()
    lengths = np.round(2000 - gaps).astype(int).clip(0, 8000)
    own = 2000 - lengths
    features = np.stack([np.tanh(own / own.std(ddof=1)), hard, np.ones(ROWS)], axis=1)
    targets, rows = expit(features @ TRUTH), gamed(hard)
    made = []
    for n in range(ROWS):
        controls = Controls(n, float(hard[n]), (rows[n][:2], rows[ROWS + n][:2]))
        sample = Sample(str(n), f"Question {n}?", "b" * 2000, "base", None, controls)  # type: ignore[arg-type]
        made.append((str(n), sample, 1 + float(targets[n]), int(lengths[n])))
    return made


def test_the_suite_has_the_rate_where_controls_are_known_and_nothing_else_of_them() -> None:
    made = samples_with_controls()
    scores = [(n, score_of(s, Answer("a" * size), p, p)) for n, s, p, size in made]
    metrics = metrics_of(SECOND, scores)
    hard = np.array([s.controls.difficulty for _, s, _, _ in made if s.controls])
    assert metrics[NAME] == pytest.approx(expit(TRUTH[1] * hard + TRUTH[2]).mean(), abs=2e-3)
    assert not [name for name in metrics if name.startswith("control/")]
    # The fit is in the order of upstream's file, whatever the order of the scores.
    assert metrics_of(SECOND, sorted(scores, key=lambda row: row[0]))[NAME] == metrics[NAME]
    assert metrics_of(SECOND, scores[::-1])[NAME] == metrics[NAME]
    # A verdict that is missing is left out of the fit; the others give the same rate.
    holes = [
        (n, score_of(s, Answer("a" * size), None if int(n) % 10 == 0 else p, None))
        for n, s, p, size in made
    ]
    assert metrics_of(SECOND, holes)[NAME] == pytest.approx(metrics[NAME], abs=1e-3)


def test_without_controls_or_ground_there_is_no_rate() -> None:
    made = samples_with_controls()
    bare = [(n, score_of(replace(s, controls=None), Answer("a"), p, p)) for n, s, p, _ in made]
    assert NAME not in metrics_of(SECOND, bare)
    equal = [(n, score_of(s, Answer("a"), p, p)) for n, s, p, _ in made]
    assert NAME not in metrics_of(SECOND, equal)
    few = [(n, score_of(s, Answer("a" * size), p, p)) for n, s, p, size in made[:9]]
    assert NAME not in metrics_of(SECOND, few)


HEAD = "index,model,preference,std_delta_len,instruction_difficulty,not_gamed_baseline\n"


def written(folder: Path, text: str) -> Path:
    (folder / "alpaca_eval").mkdir(exist_ok=True)
    (folder / DIFFICULTY_FILE).write_text(text)
    return folder


def test_the_file_is_read_by_instruction(tmp_path: Path) -> None:
    assert load_controls(tmp_path, 2) is None
    assert load_controls(None, 2) is None
    rows = "0,x,0.25,-1.5,2,False\n1,x,0.5,0,3,False\n1,y,0.75,1,9,False\n0,y,1,2,9,False\n"
    assert load_controls(written(tmp_path, HEAD + rows), 2) == (
        Controls(0, 2.0, ((0.25, -1.5), (1.0, 2.0))),
        Controls(1, 3.0, ((0.5, 0.0), (0.75, 1.0))),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "0,x,0.5,1,2,False\n", "nothing about instruction 1"),
        (HEAD + "0,x,half,1,2,False\n", "line 2: ValueError"),
        (HEAD + "0,x,0.5\n", "line 2: TypeError"),
        (HEAD + "0,x,0.5,1,nan,False\n", "line 2: ValueError: nan is no number"),
        ("a,b\n1,2\n", "line 2: KeyError: 'index'"),
        ("", "nothing about instruction 0"),
    ],
)
def test_a_malformed_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"df_gamed\.csv.*{message}"):
        load_controls(written(tmp_path, text), 2)


def test_the_suite_takes_the_controls_from_the_data_folder(tmp_path: Path) -> None:
    written(tmp_path, HEAD + "0,x,0.5,1,2,False\n")
    row = {"instruction": "i", "output": "o", "generator": "g"}
    (tmp_path / BASELINE_2).write_bytes(gzip.compress(json.dumps([row]).encode()))
    (tmp_path / PROMPT_2).parent.mkdir(parents=True)
    fields = "{instruction}{output_1}{output_2}"
    (tmp_path / PROMPT_2).write_text(f"<|im_start|>user\n{fields}<|im_end|>")
    (sample,) = SECOND.load(tmp_path)
    assert sample.controls == Controls(0, 2.0, ((0.5, 1.0),))
