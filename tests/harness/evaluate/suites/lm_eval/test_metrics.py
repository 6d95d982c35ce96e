"""Metrics of a row and of all: parts come together, what is no number is left out."""

from collections.abc import Mapping
from itertools import chain

import numpy as np
import pytest

from eval_suites.scores import Score
from harness.evaluate.suites.lm_eval.metrics import Metrics, plain_name

METRICS = Metrics(
    {
        "ratio": lambda items: sum(a for a, _ in items) / sum(b for _, b in items),
        "top": max,
    }
)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("acc", 1, {"acc": 1.0}),
        ("acc", np.float64(0.5), {"acc": 0.5}),
        ("acc", True, {"acc": 1.0}),
        ("acc", float("nan"), {}),
        ("acc", "yes", {}),
        ("acc", np.array([1.0, 2.0]), {}),
        ("top", -3.5, {"parts/top.0": -3.5}),
        ("ratio", (1, np.int64(4)), {"parts/ratio.0": 1.0, "parts/ratio.1": 4.0}),
        ("ratio:strict", (1, 4), {"parts/ratio:strict.0": 1.0, "parts/ratio:strict.1": 4.0}),
        ("ratio", (1, "four"), {}),
        ("ratio", (1, np.array([0.5, 0.5])), {}),
    ],
)
def test_a_rows_value_is_kept_as_numbers(
    name: str, value: object, kept: Mapping[str, float]
) -> None:
    assert METRICS.of(name, value) == kept


def test_rows_with_a_value_are_put_together_by_each_metrics_own_rule() -> None:
    rows = ({"acc": 1, "ratio": (1, 2), "top": -5.0}, {"acc": 0, "ratio": (3, 10), "top": -1.0})
    scores = []
    for row in rows:
        kept = [METRICS.of(name, value).items() for name, value in row.items()]
        scores.append(Score(float(row["acc"]), metrics=dict(chain(*kept))))
    lost = Score(None, "infra", metrics={"acc": 1.0, "parts/top.0": 9.0})

    assert METRICS.together([*scores, lost]) == {"acc": 0.5, "ratio": 4 / 12, "top": -1.0}
    assert METRICS.together([lost]) == {}


def test_names_are_those_that_tables_and_trackers_take() -> None:
    assert plain_name("pass@1") == "pass_at_1"
    assert plain_name("rouge1/fmeasure,x") == "rouge1_fmeasure_x"
