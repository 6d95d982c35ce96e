"""Several runs in one table: what is one row, and what is not."""

import pytest

from harness.errors import RunError
from harness.report.compare.comparison import compare
from harness.report.compare.together import merged

from .results import result, suite


def test_suites_of_equal_weights_come_together_in_one_row() -> None:
    code = suite([1.0, 0.0], name="code")
    one = merged([result(base=[suite([1.0])]), result(base=[code])])
    assert [list(c.suites) for c in one.checkpoints] == [["code", "maths"]]


def test_equal_weights_that_were_asked_otherwise_are_refused_by_name() -> None:
    runs = [result(base=[suite([1.0], decoding=text)]) for text in ("greedy", "sampled")]
    both = merged(runs)
    assert [c.name for c in both.checkpoints] == ["base", "toy-0/base"]
    with pytest.raises(RunError, match="decoding is greedy for base and sampled for toy-0/base"):
        compare(both, "base")
