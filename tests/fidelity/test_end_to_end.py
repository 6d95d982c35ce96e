"""Every suite end to end on real samples: asked, checked, scored, logged and summed up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from eval_suites.errors import DataError
from eval_suites.registry import find
from eval_suites.requests import Request
from eval_suites.suite import Suite
from harness.engines.fake import scripted as scripted_engine
from harness.engines.options import EngineChoice
from harness.engines.registry import ENGINES
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import first_of_each
from harness.evaluate.loop.loop import run
from harness.progress.events import silent
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.hashing import digest
from harness.storage.run_folder import RunFolder
from tests.suite_cases.cases import gold_cases

GOLD = gold_cases()

REFUSAL = "I cannot help with that."
#: Samples asked; of BBH of each task.
LIMITS = {"bbh": 1}


@dataclass(frozen=True)
class ScriptedSample:
    """A sample, the model's answer, and the value and status that it must get."""

    sample: Any
    text: str
    value: float
    status: str


def script_of(suite: Suite[Any], folder: Path) -> list[ScriptedSample]:
    """Return the first samples: in turn a gold response, a wrong one, and a refusal.

    Where we know no solution of a problem (LeetCode), a wrong program stands in for it.
    """
    samples = first_of_each(suite.load(folder), LIMITS.get(suite.name, 3), suite.sampling.stratum)
    ids = {sample.id for sample in samples}
    cases = {c.sample.id: c for c in GOLD[suite.name].cases(folder) if c.sample.id in ids}
    unread = "ok" if suite.programs else "unparsed"
    script = []
    for number, sample in enumerate(samples):
        case = cases.get(sample.id)
        text = (case.gold, case.twin, REFUSAL)[number % 3] if case else REFUSAL
        status = unread if text == REFUSAL else "ok"
        value = float(case is not None and number % 3 == 0)
        script.append(ScriptedSample(sample, text, value, status))
    return script


def scripted(suite: Suite[Any], script: Sequence[ScriptedSample]) -> Callable[[Request], str]:
    """Return the model: the answer to each prompt, which must be as the suite has it."""
    texts = {prompt_of(suite.ask(expected.sample, ())[0]): expected.text for expected in script}
    return lambda request: texts[prompt_of(request)]


def prompt_of(request: Request) -> str:
    return request.messages[-1].content if request.messages else request.text or ""


def by_hand(lines: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return each metric's mean over its lines; of BBH also the mean over its tasks."""
    names = sorted({name for line in lines for name in line["metrics"]})
    columns = {n: [x["metrics"][n] for x in lines if n in x["metrics"]] for n in names}
    means = {name: sum(column) / len(column) for name, column in columns.items()}
    if lines[0]["sample_id"].startswith("boolean_expressions/"):
        tasks = [mean for name, mean in means.items() if name.endswith("/accuracy")]
        means["accuracy_task_mean"] = sum(tasks) / 27
    return means


def check_line(line: Mapping[str, Any], suite: Suite[Any], item: ScriptedSample) -> None:
    """Compare a line of the log with the request, the answer and the score."""
    ((request,), (answer,)) = (line["turns"][0][key] for key in ("requests", "answers"))
    (expected,) = suite.ask(item.sample, ())
    assert request.get("messages", []) == [asdict(each) for each in expected.messages]
    assert (request.get("text"), request.get("prefix", "")) == (expected.text, expected.prefix)
    assert line["prompt_hash"] == digest([request], 16)
    assert answer["text"] == item.text.rstrip()
    assert (line["sample_id"], line["repeat"]) == (item.sample.id, 0)
    assert (line["value"], line["status"]) == (item.value, item.status)
    assert line["metrics"][suite.headline] == line["value"]
    assert (line["extracted"] is None) == (line["status"] == "unparsed")


@pytest.fixture
def job(tmp_path: Path, tiny_model: Path, data_dir: Path) -> EvalJob:
    return EvalJob(
        models={"base": str(tiny_model)},
        fingerprints={"base": "one"},
        suites={},
        engine=EngineChoice(name="fake", concurrency=4, max_model_len=65536),
        data_dir=data_dir,
        run=tmp_path / "run",
        journal=tmp_path / "journal.sqlite",
    )


@pytest.mark.parametrize("name", GOLD)
def test_real_samples_from_the_question_to_the_summary(
    name: str, job: EvalJob, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = find(name)
    try:
        script = script_of(suite, data_dir)
    except DataError as error:
        if "is missing: " not in str(error):
            raise
        pytest.skip(str(error))
    answers = scripted(suite, script)
    monkeypatch.setitem(ENGINES, "fake", scripted_engine(answers))

    tally = run(job.model_copy(update={"suites": {name: LIMITS.get(name, 3)}}), silent)

    lines = read_lines(RunFolder(job.run).sample_log("base", name))
    assert tally.asked == len(lines) == len(script) == (27 if name == "bbh" else 3)
    for line, expected in zip(lines, sorted(script, key=lambda item: item.sample.id), strict=True):
        check_line(line, suite, expected)
    assert len({line["prompt_hash"] for line in lines}) == len(lines)
    summary = read_json(RunFolder(job.run).summary("base", name))
    assert summary["metrics"] == pytest.approx(by_hand(lines))
    right = sum(expected.value for expected in script) / len(script)
    assert summary["metrics"][summary["headline"]] == pytest.approx(right)
    assert sum(summary["statuses"].values()) == len(lines)
    assert summary["protocol"]["suite"] == f"{name} {suite.version}"
