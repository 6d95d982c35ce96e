import math
import random
import statistics

import pytest

from eval_suites.scores import Score
from harness.evaluate.suites.measured import aggregate_ratios, score_response


def test_a_response_by_hand() -> None:
    score = score_response(-10.0, -11.0, 4, cut=False)
    assert score.value == 1.0
    assert score.status == "ok"
    assert score.metrics == {"k1": 1.0, "k3": math.exp(-1.0), "tokens": 4.0, "cut": 0.0}
    assert score_response(-1.0, -1.0, 2, cut=True).status == "truncated"


def test_prompts_by_hand() -> None:
    prompts = [
        score_response(-10.0, -11.0, 4, cut=False),
        score_response(-10.0, -13.0, 6, cut=True),
    ]
    found = aggregate_ratios(prompts)
    assert found["k1"] == 2.0
    assert found["k1_se"] == pytest.approx(1.0)  # spread sqrt(2) over sqrt(2) prompts
    assert found["k1_per_token"] == pytest.approx(0.4)  # 4 nats over 10 tokens
    # What is left at 0.4 nats a token: 1 - 1.6 and 3 - 2.4, so 0.6 each way; over 5 tokens.
    assert found["k1_per_token_se"] == pytest.approx(0.6 / 5)
    assert found["cut"] == 0.5
    assert found["tokens"] == 5.0


def test_nothing_measured_says_nothing_and_one_prompt_has_no_error() -> None:
    assert aggregate_ratios([Score(None, "ungraded")]) == {}
    one = aggregate_ratios([score_response(-1.0, -2.0, 1, cut=False)])
    assert "k1_se" not in one
    assert one["k1"] == 1.0


def test_a_response_far_likelier_under_the_reference_stays_a_number() -> None:
    assert math.isfinite(score_response(-5000.0, 0.0, 9, cut=False).metrics["k3"])


def _drawn(rng: random.Random, clusters: int, each: int) -> list[Score]:
    """Prompts with a policy and a reference of their own over four responses."""
    prompts = []
    for _ in range(clusters):
        policy = [rng.gammavariate(2, 1) for _ in range(4)]
        reference = [rng.gammavariate(2, 1) for _ in range(4)]
        p = [weight / sum(policy) for weight in policy]
        q = [weight / sum(reference) for weight in reference]
        draws = rng.choices(range(4), p, k=each)
        scores = [score_response(math.log(p[k]), math.log(q[k]), k + 1, cut=False) for k in draws]
        mean = {name: sum(s.metrics[name] for s in scores) / each for name in scores[0].metrics}
        prompts.append(Score(mean["k1"], metrics=mean))
    return prompts


def test_both_estimates_mean_the_divergence_and_the_clustered_error_is_theirs() -> None:
    # The truth of this random world, by many prompts with one exact sum each.
    rng = random.Random(1)
    exact = []
    for _ in range(40_000):
        policy = [rng.gammavariate(2, 1) for _ in range(4)]
        reference = [rng.gammavariate(2, 1) for _ in range(4)]
        p = [weight / sum(policy) for weight in policy]
        q = [weight / sum(reference) for weight in reference]
        exact.append(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
    truth = sum(exact) / len(exact)
    runs = [aggregate_ratios(_drawn(rng, clusters=60, each=4)) for _ in range(400)]
    for name in ("k1", "k3"):
        mean = sum(run[name] for run in runs) / len(runs)
        error = sum(run[f"{name}_se"] for run in runs) / len(runs) / math.sqrt(len(runs))
        assert abs(mean - truth) < 4 * error
        spread = statistics.stdev(run[name] for run in runs)
        assert 0.9 < statistics.fmean(run[f"{name}_se"] for run in runs) / spread < 1.1
    assert sum(run["k3_se"] for run in runs) < sum(run["k1_se"] for run in runs)
