import json
import math

import pytest

from harness.storage.result import SuiteResult

SUITE = {
    "suite": "kl:arithmetic",
    "headline": "k1",
    "metrics": {},
    "statuses": {},
    "samples": [],
    "protocol": {},
}


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (1.0, 10.0), (-math.inf, math.inf)])
def test_bounds_come_back_from_plain_json(bounds: tuple[float, float]) -> None:
    result = SuiteResult(**SUITE, bounds=bounds)  # type: ignore[arg-type]
    text = result.model_dump_json()
    json.loads(text, parse_constant=pytest.fail)  # Infinity is no JSON
    assert SuiteResult.model_validate_json(text) == result


def test_a_record_without_bounds_is_of_fractions() -> None:
    assert SuiteResult(**SUITE).bounds == (0.0, 1.0)  # type: ignore[arg-type]
