"""What the pages are made of: names, turns, tables, charts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from harness.report.compare.comparison import compare
from harness.report.html.charts.scores import forest
from harness.report.html.charts.svg import LOOKS, Scale, around, element, looks, tick_text
from harness.report.html.leaderboard import above_and_below
from harness.report.html.samples import hint, natural_key, samples, short, turn_questions
from harness.report.page.text import page_files
from harness.storage.result import Result, SampleResult, SuiteResult

from .made import line


def score(*values: tuple[str, int, float | None]) -> SuiteResult:
    return SuiteResult(
        suite="maths",
        headline="accuracy",
        metrics={},
        statuses={},
        protocol={},
        samples=tuple(
            SampleResult(id=i, repeat=r, value=v, status="infra" if v is None else "ok")
            for i, r, v in values
        ),
    )


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["gsm8k:cot8"], ["suite-gsm8k-cot8.html"]),
        (["a/../b", "..", "a b"], ["suite-a-..-b.html", "suite-...html", "suite-a-b.html"]),
        (["Base", "base"], ["suite-Base.html", "suite-base-"]),
        (["a:b", "a/b"], ["suite-a-b.html", "suite-a-b-"]),
        (["数学"], ["suite--.html"]),
    ],
)
def test_every_name_has_a_file_of_its_own(names: list[str], files: list[str]) -> None:
    found = page_files("suite", names)
    assert len({file.lower() for file in found.values()}) == len(names)
    for name, start in zip(names, files, strict=True):
        assert found[name].startswith(start)
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,110}", found[name])


@given(st.lists(st.text(max_size=120), unique=True, max_size=6))
def test_no_names_share_a_file(names: list[str]) -> None:
    found = page_files("checkpoint", names)
    assert len({file.lower() for file in found.values()}) == len(names)


def test_samples_are_listed_as_people_count() -> None:
    ids = ["10", "9", "task/11", "task/2", "HumanEval/100", "1"]
    ordered = sorted(ids, key=natural_key)
    assert ordered == ["1", "9", "10", "HumanEval/100", "task/2", "task/11"]


def test_later_turns_hold_what_is_new() -> None:
    told = turn_questions(line(0, 1.0, [("Write.", "Once."), ("Shorter.", "O.")]))
    assert told == [
        [[{"role": "user", "text": "Write."}]],
        [[{"role": "user", "text": "Shorter."}]],
    ]


def test_a_turn_that_tells_the_past_otherwise_is_shown_whole() -> None:
    row = line(0, 1.0, [("Write.", "Once."), ("Shorter.", "O.")])
    row["turns"][1]["requests"][0]["messages"][1]["content"] = "changed"
    texts = [part["text"] for part in turn_questions(row)[1][0]]
    assert texts == ["Write.", "changed", "Shorter."]


def test_texts_prefixes_and_continuations_are_named() -> None:
    row = line(0, 1.0, [])
    row["turns"] = [
        {"requests": [{"text": "Q:", "prefix": "A: ", "continuation": " yes"}], "answers": []}
    ]
    assert [part["role"] for part in turn_questions(row)[0][0]] == [
        "text",
        "the answer begins",
        "scored continuation",
    ]
    assert hint(row) == "Q:"


def test_hints_leave_out_what_all_begin_with() -> None:
    told = ["Solve this:  one plus\none", "Solve this: two", "", "Solve this: one hundred"]
    assert short(told) == ["one plus one", "two", "", "one hundred"]
    assert short(["alone"]) == ["alone"]


def test_repeats_are_averaged_and_what_failed_is_no_zero() -> None:
    own = score(("1", 0, 1.0), ("1", 1, 0.0), ("2", 0, None), ("2", 1, 1.0), ("3", 0, None))
    found = samples({"nca": own, "dpo": score(("1", 0, 1.0))}, {})
    assert found.table["values"] == [[0.5, 1.0, None], [1.0, None, None]]
    kinds = found.table["kinds"]
    told = [[None if code is None else kinds[code] for code in c] for c in found.table["statuses"]]
    assert told == [["ok", "infra, ok", "infra"], ["ok", None, None]]
    assert found.without == ("nca", "dpo")


def test_only_samples_that_both_have_are_counted() -> None:
    own, theirs = {"1": 1.0, "2": 0.0, "3": 1.0}, {"1": 0.0, "2": 1.0, "4": 0.0}
    assert above_and_below(own, theirs) == [1, 1]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_evenly_spaced_and_inside(low: float, width: float) -> None:
    scale = Scale(low, low + width, 0.0, 300.0)
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= 6
    assert all(low - 1e-6 <= tick <= low + width + 1e-6 for tick in ticks)
    texts = [tick_text(tick, ticks) for tick in ticks]
    assert len(set(texts)) == len(texts)


def test_a_range_has_room_even_around_one_value() -> None:
    for values in ([], [0.0], [3.0], [-2.0, -2.0]):
        low, high = around(values)
        assert low < high
        assert all(low < value < high for value in values)


def test_no_two_checkpoints_look_alike() -> None:
    names = ["base", "dpo", "infonca", "nca", *(f"nca-beta0.{i}" for i in range(20))]
    found = looks(names)
    assert len({(look.colour, look.mark) for look in found.values()}) == len(names)
    assert found["dpo"].mark == LOOKS[0][1]


def test_an_element_escapes_and_shows_what_hides() -> None:
    made = element("text", "<b>\u202e", class_='"><script>', data_x=1.50)
    assert made == Markup(
        '<text class="&#34;&gt;&lt;script&gt;" data-x="1.5">&lt;b&gt;⟨U+202E⟩</text>'
    )


def test_a_forest_plot_has_a_mark_where_its_number_is(result: Result) -> None:
    comparison = compare(result, "base")
    drawn = forest(comparison, comparison.columns[0])
    assert drawn is not None
    places = dict(re.findall(r'data-checkpoint="(\w+)" data-x="([\d.]+)"', drawn))
    base, dpo, nca = (float(places[name]) for name in ("base", "dpo", "nca"))
    # 4, 6 and 9 of 12 are right: distances on paper are as those of the numbers.
    assert (nca - dpo) / (dpo - base) == pytest.approx(3 / 2, rel=1e-2)
    assert drawn.count('class="entry base"') == 1
    assert "nca: 75.0 [" in drawn
