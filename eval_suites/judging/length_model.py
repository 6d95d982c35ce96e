"""The regression behind AlpacaEval's length-controlled win rate (`judging.length_control`).

Our own solver of upstream's objective (there scikit-learn with liblinear): logistic regression on
preferences between 0 and 1, an L1 penalty, no intercept. Folds are dealt row by row, not as
scikit-learn deals them, which can only move the choice of the penalty.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]

#: Of both gamed baselines together; an ordinary row weighs 1.
GAMED_WEIGHT = 0.2
FOLDS = 5
#: How strongly data count against the penalty; scikit-learn's ten values.
STRENGTHS = np.logspace(-4, 4, 10)


def controlled_rate(
    gaps: Sequence[float],
    difficulties: Sequence[float],
    targets: Sequence[float],
    gamed: Sequence[tuple[float, float, float]],
) -> float:
    """The mean preference that is predicted where lengths do not differ.

    Args:
        gaps: baseline's length less the model's, characters, one a row; not all equal.
        difficulties: of the instructions.
        targets: preferences, 0 to 1.
        gamed: of each gamed row its preference, its length difference in standard deviations,
            and the difficulty.
    """
    lengths, hard = np.array(gaps), np.array(difficulties)
    own = _features(lengths / lengths.std(ddof=1), hard, 1.0)
    others = np.array(gamed).reshape(-1, 3)
    features = np.concatenate([_features(others[:, 1], others[:, 2], 0.0), own])
    weights = np.concatenate([np.full(len(others), GAMED_WEIGHT / 2), np.ones(len(own))])
    found = fit(features, np.concatenate([others[:, 0], np.array(targets)]), weights)
    return float(expit(_features(np.zeros(len(own)), hard, 1.0) @ found).mean())


def _features(gaps: Floats, hard: Floats, constant: float) -> Floats:
    return np.stack([np.tanh(gaps), hard, np.full(len(gaps), constant)], axis=1)


def fit(features: Floats, targets: Floats, weights: Floats) -> Floats:
    """Coefficients [D] for features [N, D], targets from 0 to 1 [N] and weights [N].

    The strength is the one with the least weighted log loss on the folds that are left out.
    """
    folds = np.arange(len(targets)) % FOLDS
    losses = np.zeros(len(STRENGTHS))
    for fold in range(FOLDS):
        out = folds == fold
        for place, strength in enumerate(STRENGTHS):
            found = solved(features[~out], targets[~out], weights[~out], float(strength))
            losses[place] += _loss(features[out], targets[out], weights[out], found)
    return solved(features, targets, weights, float(STRENGTHS[losses.argmin()]))


def solved(features: Floats, targets: Floats, weights: Floats, strength: float) -> Floats:
    """What makes |w| + strength * (weighted log loss) least: [D].

    Each coefficient is the difference of two that are not negative, so that all is smooth.
    """
    width = features.shape[1]

    def objective(both: Floats) -> tuple[float, Floats]:
        scores = features @ (both[:width] - both[width:])
        losses = np.logaddexp(0, scores) - targets * scores
        slope = features.T @ (weights * (expit(scores) - targets))
        gradient = strength * np.concatenate([slope, -slope]) + 1
        return float(strength * (weights @ losses) + both.sum()), gradient

    best = minimize(
        objective,
        np.zeros(2 * width),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * (2 * width),
        options={"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-8},
    )
    return np.asarray(best.x[:width] - best.x[width:])


def _loss(features: Floats, targets: Floats, weights: Floats, found: Floats) -> float:
    likely = np.clip(expit(features @ found), 1e-15, 1 - 1e-15)
    losses = targets * np.log(likely) + (1 - targets) * np.log(1 - likely)
    return float(-(weights * losses).mean())
