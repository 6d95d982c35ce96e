"""GSM8K: grade school word problems (Cobbe et al. 2021, arXiv 2110.14168; MIT).

1,319 test problems. `gsm8k` asks a chat model without examples, in our own words, to reason and to
box the number. `gsm8k:cot8` is plain text: eight worked examples (Wei et al. 2022, arXiv
2201.11903, in the file of lm-evaluation-harness) read from the data folder, then the question.
Headline `accuracy` takes what the answer declares (last box, `####`, "answer is");
`accuracy_flexible` the last number. The gold number is what follows `####`. `gsm8k:train` asks the
7,473 training problems as `gsm8k` does, to sample training data from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import yaml

from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_rows, read_text
from eval_suites.grading.answers import flexible_answer, normalise, strict_answer
from eval_suites.grading.status import numeric_score
from eval_suites.problems.word_problems import CHAT_DECODING, INSTRUCTION
from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score
from eval_suites.suite import SamplingRules, Suite

TEST_FILE = "gsm8k/test.jsonl.gz"
TRAIN_FILE = "gsm8k/train.jsonl.gz"
EXAMPLES_FILE = "gsm8k/fewshot_cot_8shot.yaml"
SOURCE = "openai/grade-school-math @ 3101c7d5072418e28b9008a6636bde82a006892c"
NEXT_QUESTION = "Q:"
TEXT_DECODING = Decoding(max_tokens=512, stop=(NEXT_QUESTION,))


@dataclass(frozen=True, slots=True)
class Sample:
    """A problem, its gold number, and the worked examples that go before it (none in a chat)."""

    id: str
    question: str
    gold: str
    examples: str = ""


def _load(folder: Path | None, examples: str = "", file: str = TEST_FILE) -> tuple[Sample, ...]:
    return tuple(
        Sample(str(number), row["question"], _gold(row["answer"], file, number), examples)
        for number, row in read_rows(folder, file, ("question", "answer"))
    )


def _gold(answer: str, file: str, row: int) -> str:
    _, marked, number = answer.rpartition("####")
    if not marked or strict_answer(answer) is None:
        raise DataError(f"{file}, row {row}: no number after '####'; {AGAIN}")
    return normalise(number)


def _load_with_examples(folder: Path | None) -> Sequence[Sample]:
    return _load(folder, _examples(read_text(folder, EXAMPLES_FILE)))


def _examples(text: str) -> str:
    """The worked examples as text, in file order; raises `DataError` when they are not there."""
    try:
        samples = yaml.safe_load(text)["fewshot_config"]["samples"]
        return "".join(f"Q: {one['question']}\nA: {one['target']}\n\n" for one in samples)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(
            f"{EXAMPLES_FILE}: no fewshot_config.samples with question and target; {AGAIN}"
        ) from error


def _ask_chat(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    if answers:
        return ()
    message = Message("user", f"{sample.question}\n\n{INSTRUCTION}")
    return (Request(messages=(message,), decoding=CHAT_DECODING),)


def _ask_text(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    if answers:
        return ()
    text = f"{sample.examples}Q: {sample.question}\nA:"
    return (Request(text=text, decoding=TEXT_DECODING),)


def _score(
    sample: Sample,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    _outcomes: tuple[Outcome, ...],
) -> Score:
    # An engine may hand over the stop string, and a stored answer may go on behind it.
    text = answers[0].text.split(f"\n{NEXT_QUESTION}", 1)[0]
    readings = {"accuracy": strict_answer(text), "accuracy_flexible": flexible_answer(text)}
    return numeric_score(answers[0], sample.gold, "accuracy", readings)


def _suite(
    name: str,
    load: Callable[[Path | None], Sequence[Sample]],
    ask: Callable[[Sample, tuple[Answer, ...]], tuple[Request, ...]],
    decoding: Decoding,
    needs: frozenset[str] = frozenset(),
) -> Suite[Sample]:
    return Suite(
        name=name,
        version="2",
        source=SOURCE,
        licence="MIT",
        headline="accuracy",
        load=load,
        ask=ask,
        score=_score,
        sampling=SamplingRules(decoding=decoding, needs=needs),
    )


CHAT: Suite[Sample] = _suite("gsm8k", _load, _ask_chat, CHAT_DECODING)
COT8: Suite[Sample] = _suite(
    "gsm8k:cot8", _load_with_examples, _ask_text, TEXT_DECODING, frozenset({"tokens"})
)
TRAIN: Suite[Sample] = replace(
    CHAT,
    name="gsm8k:train",
    load=partial(_load, file=TRAIN_FILE),
    sampling=replace(CHAT.sampling, training=True),
)
