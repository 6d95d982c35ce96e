"""SVAMP: simple word problems in challenging variations (Patel et al. 2021, arXiv 2103.07191; MIT).

1,000 problems of one step, each with one number; asked as `gsm8k` is, without examples. The
question is `Body`, a full stop where it lacks one, then `Question`. Metrics also by `Type`
(`subtraction/accuracy`); the file misspells the type of one row ("Common-Divison"), which is
counted with common_division. `svamp:eurus` is the same under `eval_suites.problems.eurus`, which
also accepts answers a factor of 100 off.
"""

from collections.abc import Sequence
from pathlib import Path

from eval_suites.files import malformed, read_array
from eval_suites.problems import eurus
from eval_suites.problems.one_turn import Sample, number_suite, snake_case
from eval_suites.suite import Suite

FILE = "svamp/SVAMP.json.gz"
_MISSPELT = {"common_divison": "common_division"}


def _load(folder: Path | None) -> Sequence[Sample]:
    samples = []
    for number, row in read_array(folder, FILE, ("ID", "Body", "Question", "Type")):
        answer, body, subset = row.get("Answer"), row["Body"].strip(), snake_case(row["Type"])
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            raise malformed(f"{FILE}, row {number}", "'Answer' is no number")
        stop = "" if body.endswith((".", "?", "!")) else "."
        question = f"{body}{stop} {row['Question'].strip()}"
        gold = repr(answer).removesuffix(".0")
        samples.append(Sample(row["ID"], question, gold, _MISSPELT.get(subset, subset)))
    return tuple(samples)


SUITE: Suite[Sample] = number_suite(
    name="svamp",
    version="3",
    source="arkilpatel/SVAMP @ 689d7ccac74b9983a2ac7cc3b264f441b99e7c53",
    licence="MIT",
    load=_load,
)
EURUS: Suite[Sample] = eurus.variant(SUITE, "svamp:eurus")
