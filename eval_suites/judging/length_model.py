"""The regression behind AlpacaEval's length-controlled win rate (`judging.length_control`).

Upstream's procedure by scikit-learn: a logistic regression on preferences between 0 and 1, fitted
by liblinear with an L1 penalty and without intercept, the strength of the penalty chosen by
five-fold cross-validation. Order of rows, folds, seed and tolerance are upstream's, for the choice
of the strength and the last digits depend on them (docs/explanation/fidelity.md).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import log_loss, make_scorer
from sklearn.model_selection import GroupKFold

Floats = NDArray[np.float64]

#: The weight of both gamed baselines together; an ordinary row weighs 1.
GAMED_WEIGHT = 0.2
FOLDS = 5
SEED = 123
#: The inverse strengths of the penalty to choose from, or how many from 1e-4 to 1e4.
STRENGTHS: int | Sequence[float] = 10


def controlled_rate(
    differences: Sequence[float],
    difficulties: Sequence[float],
    preferences: Sequence[float],
    gamed: Sequence[tuple[float, float, float]],
) -> float:
    """Return the mean preference that is predicted where lengths do not differ.

    Args:
        differences: the baseline's length less the model's, in characters; not all equal.
        difficulties: of the instructions.
        preferences: from 0 to 1, NaN where there is no verdict. Such a row is not fitted, but
            counts in the spread of the lengths and in the mean, as upstream has it.
        gamed: the preference, the length difference in standard deviations, and the difficulty
            of each row of the gamed baselines.
    """
    lengths, hardness = np.array(differences), np.array(difficulties)
    baselines = np.array(gamed).reshape(-1, 3)
    features = np.concatenate(
        [
            _features(baselines[:, 1], baselines[:, 2], 0.0),
            _features(lengths / lengths.std(ddof=1), hardness, 1.0),
        ]
    )
    targets = np.concatenate([baselines[:, 0], np.array(preferences)])
    weights = np.concatenate([np.full(len(baselines), GAMED_WEIGHT / 2), np.ones(len(lengths))])
    judged = ~np.isnan(targets)
    return predicted_rate(fit(features[judged], targets[judged], weights[judged]), hardness)


def predicted_rate(coefficients: Floats, difficulties: Floats) -> float:
    """Return the mean preference at equal lengths.

    Args:
        coefficients: of the length difference, the difficulty and the constant.
        difficulties: of the instructions.
    """
    features = _features(np.zeros(len(difficulties)), difficulties, 1.0)
    return float(expit(features @ coefficients).mean())


def _features(gaps: Floats, difficulties: Floats, constant: float) -> Floats:
    return np.stack([np.tanh(gaps), difficulties, np.full(len(gaps), constant)], axis=1)


def fit(features: Floats, targets: Floats, weights: Floats) -> Floats:
    """Return the coefficients [D] for features [N, D], targets from 0 to 1 [N] and weights [N].

    Each row is given twice, as a win with its target for a weight and as a loss with the rest of
    it; both are in the same fold.
    """
    count = len(targets)
    rows, wins = np.concatenate([features, features]), np.repeat([1, 0], count)
    folds = GroupKFold(FOLDS).split(rows, wins, np.tile(np.arange(count), 2))
    model = LogisticRegressionCV(
        Cs=STRENGTHS,
        cv=list(folds),
        scoring=make_scorer(_mean_loss, greater_is_better=False, response_method="predict_proba"),
        l1_ratios=(1,),
        solver="liblinear",
        fit_intercept=False,
        random_state=SEED,
        use_legacy_attributes=False,
    )
    model.fit(rows, wins, np.concatenate([weights * targets, weights * (1 - targets)]))
    return np.asarray(model.coef_[0])


def _mean_loss(wins: Floats, probabilities: Floats, sample_weight: Floats) -> float:
    """Return the weighted log loss by rows; scikit-learn's own mean is by weights."""
    total = log_loss(wins, probabilities, sample_weight=sample_weight, normalize=False)
    return float(total) / len(wins)
