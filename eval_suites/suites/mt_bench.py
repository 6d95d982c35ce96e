"""MT-bench: 80 dialogues of two turns, rated by a judge (Zheng et al. 2023, arXiv 2306.05685).

Questions, judge prompts and reference answers are FastChat's (Apache-2.0), read from the data
folder. Answers are sampled at the temperature of their category, 1,024 tokens; the judge is asked
for a rating from 1 to 10 of each turn at temperature 0.

Headline `score` is the mean of our reading of both ratings: the last `[[n]]` of a reply, from 1 to
10; where it is not there the judge is asked once more, and then the sample has no value.
`official` is FastChat's: the first `[[n]]` or `[n]` of the first reply, averaged over all
judgements that have one, however few. Published numbers are of GPT-4 and differ with the judge.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_rows
from eval_suites.grading.status import worst_status
from eval_suites.grading.unfiltered import column, means_of
from eval_suites.judging.injections import suspicious
from eval_suites.judging.mt_bench import AGAIN_PLEASE, load_prompts, single
from eval_suites.judging.prompts import Template, may_repair, repair
from eval_suites.judging.verdicts import official_rating, rating
from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score, mean_metrics
from eval_suites.suite import JudgeRules, MetricRules, SamplingRules, Suite

QUESTION_FILE = "mt_bench/question.jsonl"
REFERENCE_FILE = "mt_bench/reference_answer/gpt-4.jsonl"
SOURCE = "lm-sys/FastChat @ 0e6d3e4beaab66f4d3f93db72541a4abab8af28d"
TURNS = 2
OFFICIAL_TURNS = ("official_turn_1", "official_turn_2")
DECODING = Decoding(temperature=0.7, max_tokens=1024)
#: Of each category; one that is not here has 0.7.
TEMPERATURES: Mapping[str, float] = {
    "writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1,
    "extraction": 0.0, "math": 0.0, "coding": 0.0, "reasoning": 0.0,
}  # fmt: skip
WITH_REFERENCES = frozenset({"math", "reasoning", "coding"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A dialogue's two questions, reference answers where its category has them, templates."""

    id: str
    category: str
    turns: tuple[str, ...]
    references: tuple[str, ...]
    prompts: Mapping[str, Template]


def _load(folder: Path | None) -> Sequence[Sample]:
    prompts, references = load_prompts(folder), _references(folder)
    return tuple(_samples(folder, prompts, references))


def _samples(
    folder: Path | None, prompts: Mapping[str, Template], references: Mapping[str, tuple[str, ...]]
) -> Iterator[Sample]:
    for number, row in read_rows(folder, QUESTION_FILE, ("category",)):
        where = f"{folder}/{QUESTION_FILE}, row {number}"
        name, turns = str(row.get("question_id")), _texts(row.get("turns"), where)
        category = row["category"]
        if category in WITH_REFERENCES and name not in references:
            raise DataError(
                f"{where}: question {name} has no reference answer in {REFERENCE_FILE}; {AGAIN}"
            )
        own = references[name] if category in WITH_REFERENCES else ()
        yield Sample(name, category, turns, own, prompts)


def _references(folder: Path | None) -> dict[str, tuple[str, ...]]:
    found = {}
    for number, row in read_rows(folder, REFERENCE_FILE, ()):
        where = f"{folder}/{REFERENCE_FILE}, row {number}"
        try:
            turns = row["choices"][0]["turns"]
        except (KeyError, IndexError, TypeError):
            turns = None
        found[str(row.get("question_id"))] = _texts(turns, where)
    return found


def _texts(found: Any, where: str) -> tuple[str, ...]:
    if not isinstance(found, list) or len(found) != TURNS:
        raise DataError(f"{where}: no list of two turns; {AGAIN}")
    if not all(isinstance(text, str) for text in found):
        raise DataError(f"{where}: a turn is no text; {AGAIN}")
    return tuple(found)


def _ask(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    if len(answers) >= TURNS:
        return ()
    said = [Message("user", sample.turns[0])]
    if answers:
        said += [Message("assistant", _said(answers[0])), Message("user", sample.turns[1])]
    temperature = TEMPERATURES.get(sample.category, DECODING.temperature)
    return (Request(messages=tuple(said), decoding=replace(DECODING, temperature=temperature)),)


def _said(answer: Answer) -> str:
    """An answer as FastChat goes on with it and shows it to the judge."""
    return answer.text.strip()


def _judge(
    sample: Sample, answers: tuple[Answer, ...], verdicts: tuple[Answer, ...]
) -> tuple[Request, ...]:
    """Both ratings, then those that cannot be read once more."""
    asked = single(sample, [_said(answer) for answer in answers])
    if not verdicts:
        return asked
    if len(verdicts) > TURNS:
        return ()
    return tuple(
        repair(request, reply, AGAIN_PLEASE)
        for request, reply in zip(asked, verdicts, strict=True)
        if _unread(reply)
    )


def _unread(reply: Answer) -> bool:
    return rating(reply.text) is None and may_repair(reply)


def _score(
    sample: Sample,
    answers: tuple[Answer, ...],
    verdicts: tuple[Answer, ...],
    _outcomes: tuple[Outcome, ...],
) -> Score:
    return score_of(sample, answers, verdicts, [official_rating(v.text) for v in verdicts[:TURNS]])


def score_of(
    sample: Sample,
    answers: tuple[Answer, ...],
    verdicts: tuple[Answer, ...],
    official: Sequence[float | None],
) -> Score:
    """The score of one dialogue.

    Args:
        sample: the dialogue.
        answers: of both turns; none where only the judge's replies are known.
        verdicts: the replies of both turns, then those to the second asking.
        official: upstream's rating of each turn, None where it has none.
    """
    ratings = _ratings(verdicts)
    missing = [
        str(turn) for turn in range(1, TURNS + 1) if ratings[turn - 1 : turn] in ([], [None])
    ]
    metrics = {
        name: one for name, one in zip(OFFICIAL_TURNS, official, strict=False) if one is not None
    }
    if metrics:
        metrics["official"] = sum(metrics.values()) / len(metrics)
    if answers:
        metrics["suspicious"] = suspicious(answer.text for answer in answers)
    shown = " ".join("-" if one is None else f"{one:g}" for one in ratings)
    if missing:
        return Score(None, "judge_missing", shown or None, _why(missing, verdicts), metrics)
    turns = {f"turn_{turn}": one for turn, one in enumerate(ratings, 1) if one is not None}
    value = sum(turns.values()) / TURNS
    own = {"score": value, f"{sample.category}/score": value, **turns}
    return Score(value, worst_status(answers), shown, metrics={**own, **metrics})


def _ratings(verdicts: tuple[Answer, ...]) -> list[float | None]:
    """Our reading of each turn: of the first reply, else of the second asking."""
    again = iter(verdicts[TURNS:])
    found: list[float | None] = []
    for reply in verdicts[:TURNS]:
        one = rating(reply.text)
        if one is None and may_repair(reply):
            repaired = next(again, None)
            one = None if repaired is None else rating(repaired.text)
        found.append(one)
    return found


def _why(missing: Sequence[str], verdicts: tuple[Answer, ...]) -> str:
    if not verdicts:
        return "no judge has rated it"
    if any(reply.finish_reason == "overflow" for reply in verdicts):
        return "the judge's prompt is longer than the judge can read"
    turns = " and ".join(missing)
    return f"turn {turns}: no rating from 1 to 10 in the judge's reply"


def _aggregate(scores: Sequence[Score]) -> dict[str, float]:
    """Means of ours; upstream's over all judgements that it can read, turns mixed."""
    means = mean_metrics(scores) | means_of(scores, *OFFICIAL_TURNS, "suspicious")
    official = column(scores, *OFFICIAL_TURNS)
    return means | ({"official": sum(official) / len(official)} if official else {})


SUITE: Suite[Sample] = Suite(
    name="mt_bench",
    version="1",
    source=SOURCE,
    licence="Apache-2.0",
    headline="score",
    load=_load,
    ask=_ask,
    score=_score,
    sampling=SamplingRules(decoding=DECODING),
    judging=JudgeRules(_judge),
    metrics=MetricRules(bounds=(1.0, 10.0), aggregate=_aggregate),
)
