"""Rows: only what has a reward and a text stands in them, and everything else is counted."""

from dataclasses import replace
from typing import Any

from eval_suites.requests import Answer, Message, Request
from eval_suites.scores import Score
from harness.data.sampling.prompts import Prompt
from harness.data.sampling.rows import Counts, row_of
from harness.recipe.schema import SampleSection
from train.data.row_formats import read_row

PROMPT = Prompt("7", Request(messages=(Message("user", "1 + 1?"),)))
SECTION = SampleSection(prompts="any", k=4)
ANSWERS = (Answer("2"), Answer("3"), Answer("2, so", "length"), Answer(" \n"))
GRADED = (Score(1.0), Score(0.0), Score(1.0, "truncated"), Score(0.0, "empty"))


def made(
    answers: tuple[Answer, ...], graded: tuple[Score, ...], section: SampleSection = SECTION
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    counts = Counts()
    row = row_of(PROMPT, answers, graded, section, counts)
    return row, counts.plain()


def test_a_cut_response_keeps_its_score_and_an_empty_one_cannot_be_trained_on() -> None:
    row, counts = made(ANSWERS, GRADED)

    assert row is not None
    assert row["responses"] == ["2", "3", "2, so"]
    assert row["rewards"] == [1.0, 0.0, 1.0]
    assert row["statuses"] == ["ok", "ok", "truncated"]
    assert counts["left_out"] == {"empty": 1}
    assert counts["statuses"] == {"empty": 1, "ok": 2, "truncated": 1}
    assert (counts["graded"], counts["mean_reward"]) == (4, 0.5)


def test_cut_responses_are_left_out_where_that_is_asked_for() -> None:
    row, counts = made(ANSWERS, GRADED, replace_section(drop_cut=True))

    assert row is not None
    assert row["responses"] == ["2", "3"]
    assert counts["left_out"] == {"cut": 1, "empty": 1}


def test_what_we_failed_to_score_has_no_reward_and_no_part_in_the_mean() -> None:
    graded = (Score(1.0), Score(None, "infra", reason="sandbox"), *GRADED[2:])

    row, counts = made(ANSWERS, graded)

    assert row is not None
    assert row["rewards"] == [1.0, 1.0]
    assert counts["left_out"] == {"empty": 1, "no_reward": 1}
    assert (counts["graded"], counts["mean_reward"]) == (3, 2 / 3)


def test_a_lost_request_counts_as_ours_for_every_response() -> None:
    row, counts = made((), ())

    assert row is None
    assert counts["statuses"] == {"infra": 4}
    assert counts["left_out"] == {"no_reward": 4}
    assert (counts["too_few"], counts["mean_reward"]) == (1, None)


def test_a_prompt_with_one_response_left_is_no_row() -> None:
    graded = (Score(1.0), *[Score(None, "infra")] * 3)

    row, counts = made(ANSWERS, graded)

    assert row is None
    assert counts["left_out"] == {"alone": 1, "no_reward": 3}


def test_ties_are_kept_and_counted_or_dropped() -> None:
    tied = (ANSWERS[:2], (Score(0.0), Score(0.0)))

    row, kept = made(*tied, replace_section(k=2))
    dropped_row, dropped = made(*tied, replace_section(k=2, drop_ties=True))

    assert row is not None
    assert (kept["tied"], kept["rows"]) == (1, 1)
    assert dropped_row is None
    assert (dropped["tied"], dropped["tied_dropped"], dropped["rows"]) == (1, 1, 0)
    assert dropped["left_out"] == {"tied": 2}


def test_every_response_is_written_or_left_out_once() -> None:
    for section in (SECTION, replace_section(drop_cut=True), replace_section(drop_ties=True)):
        for graded in (GRADED, tuple(replace(one, value=None) for one in GRADED), ()):
            _, counts = made(ANSWERS if graded else (), graded, section)
            assert counts["written"] + sum(counts["left_out"].values()) == counts["responses"]


def test_a_row_is_what_training_reads_with_the_opened_answer_in_front() -> None:
    opened = replace(PROMPT, request=replace(PROMPT.request, prefix="It is "))

    row = row_of(opened, ANSWERS[:2], GRADED[:2], SECTION, Counts())

    group = read_row(row, "rows.jsonl:1").group
    assert not isinstance(group, str)
    assert group.messages == (("user", "1 + 1?"),)
    assert group.responses == ("It is 2", "It is 3")
    assert group.rewards == (1.0, 0.0)


def replace_section(**changes: Any) -> SampleSection:
    return SECTION.model_copy(update=changes)
