"""From log-ratios of sampled responses to estimates of KL(policy, reference), as pure functions.

For a response y that the policy gave, d = log policy(y) - log reference(y) in nats. Its mean is
the KL divergence (`k1`, unbiased); exp(-d) - 1 + d has the same mean, is never negative and varies
less where the two are close (`k3`; Schulman, "Approximating KL divergence", 2020). Responses of a
prompt belong together, so standard errors are of prompts' means (clustered by prompt).
"""

import math
from collections.abc import Sequence

from eval_suites.scores import Score


def score_response(policy: float, reference: float, tokens: int, *, cut: bool) -> Score:
    """Return the score of one response.

    Args:
        policy: its log-probability under the policy, nats, summed over its tokens.
        reference: as `policy`, under the reference.
        tokens: its tokens, the end token among them.
        cut: true where `max_tokens` ended it: then d is of its beginning alone, and the
            estimate is of the divergence up to that length.
    """
    d = policy - reference
    # A response that the reference likes by far better would be beyond any number.
    k3 = math.exp(min(-d, 700.0)) - 1.0 + d
    metrics = {"k1": d, "k3": k3, "tokens": float(tokens), "cut": float(cut)}
    return Score(d, "truncated" if cut else "ok", metrics=metrics)


def aggregate_ratios(prompts: Sequence[Score]) -> dict[str, float]:
    """Return estimates over prompts, each given as the mean over its responses.

    Returns:
        `k1` and `k3` (nats a response), `k1_per_token` (nats a token: all log-ratios over all
        tokens), each with `_se`, its standard error clustered by prompt (absent for one prompt);
        `tokens` (a response), `cut` (share of responses). Empty where no prompt has a value.
    """
    rows = [dict(score.metrics) for score in prompts if score.value is not None]
    if not rows:
        return {}
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    metrics = {name: _mean(values) for name, values in columns.items()}
    rate = metrics["k1"] / metrics["tokens"]
    metrics["k1_per_token"] = rate
    if len(rows) > 1:
        metrics["k1_se"] = _error(columns["k1"])
        metrics["k3_se"] = _error(columns["k3"])
        # A ratio of means, linearised: the rest of d when each token has the mean's share.
        rest = [d - rate * n for d, n in zip(columns["k1"], columns["tokens"], strict=True)]
        metrics["k1_per_token_se"] = _error(rest) / metrics["tokens"]
    return dict(sorted(metrics.items()))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _error(values: Sequence[float]) -> float:
    """Return the standard error of the mean."""
    middle = _mean(values)
    spread = math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1)
    return math.sqrt(spread / len(values))
