"""GSM8K: grade school word problems (Cobbe et al. 2021, arXiv 2110.14168; MIT).

1,319 test problems. `gsm8k` asks a chat model without examples, in our own words, to reason and to
box the number. `gsm8k:cot8` is plain text: eight worked examples (Wei et al. 2022, arXiv
2201.11903, in the file of lm-evaluation-harness) read from the data folder, then the question.
Headline `accuracy` takes what the answer declares, else its closing sentence if that has one number
(`grading/quantities.py`); `accuracy_flexible` the last number. The gold number is what follows
####`. `gsm8k:train` asks the 7,473 training problems as `gsm8k` does, to sample training data from.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import yaml

from eval_suites.files import malformed, read_rows, read_text
from eval_suites.grading.numbers import normalise
from eval_suites.grading.quantities import declared_quantity
from eval_suites.problems.one_turn import Sample, ask_text, before, number_score, number_suite
from eval_suites.requests import Answer, Decoding
from eval_suites.scores import Score
from eval_suites.suite import SamplingRules, Suite

TEST_FILE = "gsm8k/test.jsonl.gz"
TRAIN_FILE = "gsm8k/train.jsonl.gz"
EXAMPLES_FILE = "gsm8k/fewshot_cot_8shot.yaml"
NEXT_QUESTION = "Q:"
TEXT_DECODING = Decoding(max_tokens=512, stop=(NEXT_QUESTION,))


def _load(folder: Path | None, file: str = TEST_FILE, examples: str = "") -> tuple[Sample, ...]:
    """Return the problems of a file, each behind the worked examples of another one."""
    shown = _examples(read_text(folder, examples)) if examples else ""
    samples = []
    for number, row in read_rows(folder, file, ("question", "answer")):
        _, mark, gold = row["answer"].rpartition("####")
        if not mark or declared_quantity(row["answer"]) is None:
            raise malformed(f"{file}, row {number}", "no number after '####'")
        samples.append(Sample(str(number), row["question"], normalise(gold), examples=shown))
    return tuple(samples)


def _examples(text: str) -> str:
    """Return the worked examples as text, in the order of the file."""
    try:
        examples = yaml.safe_load(text)["fewshot_config"]["samples"]
        return "".join(f"Q: {row['question']}\nA: {row['target']}\n\n" for row in examples)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        fault = "no fewshot_config.samples with question and target"
        raise malformed(EXAMPLES_FILE, fault) from error


def _score(sample: Sample, answer: Answer) -> Score:
    return number_score(answer, sample.gold, before(f"\n{NEXT_QUESTION}", answer.text))


CHAT: Suite[Sample] = number_suite(
    name="gsm8k",
    version="3",
    source="openai/grade-school-math @ 3101c7d5072418e28b9008a6636bde82a006892c",
    licence="MIT",
    load=_load,
    score=_score,
)
COT8: Suite[Sample] = replace(
    CHAT,
    name="gsm8k:cot8",
    load=partial(_load, examples=EXAMPLES_FILE),
    ask=ask_text(lambda sample: f"{sample.examples}Q: {sample.question}\nA:", TEXT_DECODING),
    sampling=SamplingRules(decoding=TEXT_DECODING, needs=frozenset({"tokens"})),
)
TRAIN: Suite[Sample] = replace(
    CHAT,
    name="gsm8k:train",
    load=partial(_load, file=TRAIN_FILE),
    sampling=replace(CHAT.sampling, training=True),
)
