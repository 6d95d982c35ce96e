"""MT-bench: 80 dialogues of two turns, rated by a judge (Zheng et al. 2023, arXiv 2306.05685).

Questions, judge prompts and reference answers are FastChat's (Apache-2.0), read from the data
folder. Answers are sampled at the temperature of their category, 1,024 tokens; the judge is asked
for a rating from 1 to 10 of each turn at temperature 0.

Headline `score` is the mean of our reading of both ratings: the last `[[n]]` of a reply, from 1 to
10; where it is not there the judge is asked once more, and then the sample has no value.
`official` is FastChat's: the first `[[n]]` or `[n]` of the first reply, averaged over all
judgements that have one, however few. Published numbers are of GPT-4 and differ with the judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval_suites import suite
from eval_suites.files import malformed, read_rows
from eval_suites.grading.status import worst_status
from eval_suites.judging.injections import suspicious
from eval_suites.judging.mt_bench import AGAIN_PLEASE, Dialogue, load_prompts, single
from eval_suites.judging.prompts import final_replies, with_repairs
from eval_suites.judging.verdicts import official_rating, rating
from eval_suites.requests import Decoding, Message, Request
from eval_suites.scores import Score, column, mean_metrics, means_of
from eval_suites.suite import Answers, Outcomes, Requests, Suite

QUESTION_FILE = "mt_bench/question.jsonl"
REFERENCE_FILE = "mt_bench/reference_answer/gpt-4.jsonl"
TURNS = 2
OFFICIAL_TURNS = ("official_turn_1", "official_turn_2")
DECODING = Decoding(temperature=0.7, max_tokens=1024)
#: Of each category; one that is not here has 0.7.
TEMPERATURES: Mapping[str, float] = {
    "writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1,
    "extraction": 0.0, "math": 0.0, "coding": 0.0, "reasoning": 0.0,
}  # fmt: skip
WITH_REFERENCES = frozenset({"math", "reasoning", "coding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Dialogue):
    """A dialogue of two turns, with reference answers where its category has them."""

    id: str
    category: str


def _load(folder: Path | None) -> Sequence[Sample]:
    prompts, references, samples = load_prompts(folder), _references(folder), []
    for number, row in read_rows(folder, QUESTION_FILE, ("category",)):
        place = f"{folder}/{QUESTION_FILE}, row {number}"
        name, turns = str(row.get("question_id")), _texts(row.get("turns"), place)
        category = row["category"]
        if category in WITH_REFERENCES and name not in references:
            raise malformed(place, f"question {name} has no reference answer in {REFERENCE_FILE}")
        reference = references[name] if category in WITH_REFERENCES else ()
        samples.append(Sample(turns, prompts, reference, id=name, category=category))
    return tuple(samples)


def _references(folder: Path | None) -> dict[str, tuple[str, ...]]:
    references = {}
    for number, row in read_rows(folder, REFERENCE_FILE, ()):
        try:
            turns = row["choices"][0]["turns"]
        except (KeyError, IndexError, TypeError):
            turns = None
        place = f"{folder}/{REFERENCE_FILE}, row {number}"
        references[str(row.get("question_id"))] = _texts(turns, place)
    return references


def _texts(turns: Any, place: str) -> tuple[str, ...]:
    if not isinstance(turns, list) or len(turns) != TURNS:
        raise malformed(place, "no list of two turns")
    if not all(isinstance(text, str) for text in turns):
        raise malformed(place, "a turn is no text")
    return tuple(turns)


def _ask(sample: Sample, answers: Answers) -> Requests:
    if len(answers) >= TURNS:
        return ()
    messages = [Message("user", sample.turns[0])]
    if answers:  # as FastChat continues them, and shows them to the judge: stripped
        messages.append(Message("assistant", answers[0].text.strip()))
        messages.append(Message("user", sample.turns[1]))
    temperature = TEMPERATURES.get(sample.category, DECODING.temperature)
    return (Request(messages=tuple(messages), decoding=replace(DECODING, temperature=temperature)),)


def _judge(sample: Sample, answers: Answers, verdicts: Answers) -> Requests:
    """Return the requests for both ratings, then once more those that cannot be read."""
    requests = single(sample, [answer.text.strip() for answer in answers])
    return with_repairs(requests, verdicts, rating, AGAIN_PLEASE)


def _score(sample: Sample, answers: Answers, verdicts: Answers, _outcomes: Outcomes) -> Score:
    return score_of(sample, answers, verdicts, [official_rating(v.text) for v in verdicts[:TURNS]])


def score_of(
    sample: Sample, answers: Answers, verdicts: Answers, official: Sequence[float | None]
) -> Score:
    """Return the score of one dialogue.

    Args:
        sample: the dialogue.
        answers: of both turns; none where only the judge's replies are stored.
        verdicts: the replies of both turns, then those to repairs.
        official: upstream's rating of each turn, None where it has none.
    """
    ratings = [rating(reply.text) for reply in final_replies(verdicts, TURNS, rating)]
    named = zip(OFFICIAL_TURNS, official, strict=False)
    metrics = {name: value for name, value in named if value is not None}
    if metrics:
        metrics["official"] = sum(metrics.values()) / len(metrics)
    if answers:
        metrics["suspicious"] = suspicious(answer.text for answer in answers)
    extracted = " ".join("-" if value is None else f"{value:g}" for value in ratings)
    turns = {f"turn_{turn}": value for turn, value in enumerate(ratings, 1) if value is not None}
    if len(turns) < TURNS:
        reason = _reason(turns, verdicts)
        return Score(None, "judge_missing", extracted or None, reason, metrics)
    mean = sum(turns.values()) / TURNS
    ours = {"score": mean, f"{sample.category}/score": mean, **turns}
    return Score(mean, worst_status(answers), extracted, metrics={**ours, **metrics})


def _reason(turns: Mapping[str, float], verdicts: Answers) -> str:
    """Return why a turn has no rating."""
    if not verdicts:
        return "no judge has rated it"
    if any(reply.finish_reason == "overflow" for reply in verdicts):
        return "the judge's prompt is longer than the judge can read"
    missing = [turn for turn in range(1, TURNS + 1) if f"turn_{turn}" not in turns]
    replied = [turn for turn in missing if turn <= len(verdicts) and verdicts[turn - 1].text]
    unrated = [turn for turn in missing if turn not in replied]
    reasons = (
        (replied, "no rating from 1 to 10 in the judge's reply"),
        (unrated, "no judge has rated it"),
    )
    return "; ".join(
        f"turn {' and '.join(map(str, those))}: {reason}" for those, reason in reasons if those
    )


def _aggregate(scores: Sequence[Score]) -> dict[str, float]:
    """Return the means of ours, and upstream's over all judgements that it can read."""
    means = mean_metrics(scores) | means_of(scores, *OFFICIAL_TURNS, "suspicious")
    official = column(scores, *OFFICIAL_TURNS)
    return means | ({"official": sum(official) / len(official)} if official else {})


SUITE: Suite[Sample] = Suite(
    name="mt_bench",
    version="2",
    source="lm-sys/FastChat @ 0e6d3e4beaab66f4d3f93db72541a4abab8af28d",
    licence="Apache-2.0",
    headline="score",
    load=_load,
    ask=_ask,
    score=_score,
    sampling=suite.SamplingRules(decoding=DECODING),
    judging=suite.JudgeRules(_judge),
    metrics=suite.MetricRules(bounds=(1.0, 10.0), aggregate=_aggregate),
)
