"""A unit is wrong where it is another than the gold's, and no matter elsewhere."""

import pytest

from eval_suites.grading.mathematics import decide, unit_of, units_differ


@pytest.mark.parametrize(
    ("latex", "unit"),
    [
        (r"25 \, \text{km}", "km"),
        (r"25\text{ m}", "m"),
        (r"25\mathrm{~m}", "m"),
        ("25 kilometers", "km"),
        (r"36\text{ cm}^2", "cm^2"),
        (r"36 \text{ square feet}", "ft^2"),
        (r"5 \text{ sq. ft}", "ft^2"),
        (r"90 \text{ degrees}", "degree"),
        (r"3 \text{ hours}.", "h"),
        (r"\frac{1}{2} \text{ in.}", "in"),
        ("25", None),
        (r"25 \text{ apples}", None),
        (r"\text{meters}", None),
        ("x = 5", None),
    ],
)
def test_units(latex: str, unit: str | None) -> None:
    assert unit_of(latex) == unit


def test_only_two_stated_units_can_differ() -> None:
    assert units_differ(r"25 \text{ km}", r"25 \text{ m}")
    assert units_differ(r"25 \text{ cm}^2", r"25 \text{ cm}")
    assert not units_differ(r"25 \text{ km}", "25 kilometers")
    assert not units_differ(r"25 \text{ km}", "25")
    assert not units_differ("25", r"25 \text{ m}")
    assert decide(r"25 \, \text{km}", r"25\text{ m}") is False
    assert decide(r"25 \, \text{km}", r"25\mathrm{~km}") is True
    assert decide("10", r"10\mathrm{~km/h}") is True
