"""Finding suites by name, and the contract that every suite keeps."""

import dataclasses
import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

import eval_suites
from eval_suites.errors import DataError, UnknownSuiteError
from eval_suites.grading.suite_rules import score_sample
from eval_suites.registry import SUITES, find
from eval_suites.requests import Answer
from eval_suites.suite import Suite


def test_every_suite_is_found_by_its_own_name() -> None:
    assert {name: find(name).name for name in SUITES} == {name: name for name in SUITES}


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownSuiteError, match=r"'gsm8'.*did you mean gsm8k"):
        find("gsm8")
    with pytest.raises(UnknownSuiteError, match="did you mean alpaca_eval or "):
        find("zzzz")


def pinned(name: str) -> dict[str, str]:
    """Repositories with their commits that the manifest has for a suite, to their licences."""
    folder = Path(eval_suites.__file__).parent
    entries = yaml.safe_load((folder / "manifest.yaml").read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for one in entries:
        if name.partition(":")[0] in one["suites"]:
            source = f"{one['repository']} @ {one['commit']}"
            found[source] = f"{found.get(source, '')} {one['licence']}"
    return found


#: Of suites whose module has another name.
MODULES = {"math500": "math", "alpaca_eval_1": "alpaca_eval"}


@pytest.mark.parametrize("name", [name for name in SUITES if not name.startswith("arithmetic")])
def test_a_suite_states_paper_licence_and_the_commit_that_is_fetched(name: str) -> None:
    suite = find(name)
    source = " ".join(suite.source.split()[:3])
    assert source in pinned(name)
    assert suite.licence.split()[0] in pinned(name)[source]
    base = name.partition(":")[0]
    module = MODULES.get(base, base)
    said = importlib.import_module(f"eval_suites.suites.{module}").__doc__ or ""
    assert re.search(r"et al\. \d{4},\s+arXiv\s+\d{4}\.\d{5}", said)
    assert suite.licence in {"MIT (texts: LeetCode)", "none stated"} or suite.licence in said


DOCS = Path(__file__).parents[2] / "docs"
PAGES = "\n".join(
    path.read_text(encoding="utf-8") for path in (DOCS / "reference" / "suites").glob("*.md")
)
#: The facts of each suite: the heading is its name, the rows of the table are facts.
FACTS = {
    name: dict(re.findall(r"^\| ([A-Z][\w ]+) \| (.+) \|$", text, re.MULTILINE))
    for name, text in re.findall(r"^## (\S+)\n(.*?)(?=^#|\Z)", PAGES, re.DOTALL | re.MULTILINE)
}
#: The rows of the overview: samples, headline, protocol, page.
OVERVIEW = {
    cells[0].strip("` "): [cell.strip() for cell in cells[1:]]
    for line in PAGES.splitlines()
    if line.startswith("| `") and len(cells := line.strip("|").split("|")) == 5
}


def test_every_suite_is_documented_in_all_three_places() -> None:
    assert set(FACTS) == set(OVERVIEW) == set(SUITES)
    names = ["Samples", "Sample id", "Protocol", "Metrics", "Licence"]
    assert all(list(facts) == names for facts in FACTS.values())
    fidelity = (DOCS / "explanation" / "fidelity.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([^`]+)` \|", fidelity, re.MULTILINE)) == set(SUITES)


@pytest.mark.parametrize("name", SUITES)
def test_the_documentation_states_the_facts_of_a_suite(name: str) -> None:
    suite, facts = find(name), FACTS[name]
    protocol, metrics, licence = facts["Protocol"], facts["Metrics"], facts["Licence"]
    assert (
        protocol.startswith("as `") or f"{suite.sampling.decoding.max_tokens:,} tokens" in protocol
    )
    assert protocol.startswith("as `") or ("plain text" in protocol) == (
        "tokens" in suite.sampling.needs
    )
    assert metrics.startswith(("as `", f"`{suite.headline}`"))
    assert licence.startswith("as `") or suite.licence in licence
    samples, headline, _, page = OVERVIEW[name]
    assert samples == facts["Samples"].split()[0]
    assert headline == f"`{suite.headline}`"
    assert page.endswith(f"#{name.replace(':', '')})")


@pytest.mark.parametrize("name", SUITES)
def test_the_documentation_counts_the_samples(name: str, data_dir: Path) -> None:
    assert OVERVIEW[name][0] == f"{len(loaded(find(name), data_dir)):,}"


def loaded(suite: Suite[Any], folder: Path) -> Sequence[Any]:
    """The suite's samples; skips where the data folder lacks its file."""
    try:
        return suite.load(folder)
    except DataError as error:
        if "is missing: " not in str(error):
            raise
        pytest.skip(str(error))


#: Of suites with more than one.
TURNS = {"mt_bench": 2}


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_keeps_the_contract(name: str, data_dir: Path) -> None:
    suite = find(name)
    samples = loaded(suite, data_dir)
    assert len({sample.id for sample in samples}) == len(samples) > 0
    requests = suite.ask(samples[0], ())
    assert requests
    assert all(bool(one.messages) != (one.text is not None) for one in requests)
    assert all(one.decoding == suite.sampling.decoding for one in requests)
    assert suite.ask(samples[0], (Answer("x"),) * TURNS.get(name, 1)) == ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        suite.name = "other"


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize(
    ("answer", "status", "value"),
    [
        (Answer("", "stop"), "empty", 0.0),
        (Answer(" \n", "stop"), "empty", 0.0),
        (Answer("", "overflow"), "overflow", 0.0),
        (Answer("42", "filtered"), "filtered", None),
    ],
)
def test_an_answer_that_is_none_has_a_status_and_no_check(
    name: str, answer: Answer, status: str, value: float | None, data_dir: Path
) -> None:
    suite = find(name)
    sample = loaded(suite, data_dir)[0]
    assert suite.checks(sample, (answer,)) == ()
    score = score_sample(suite, sample, (answer,))
    if suite.judging is not None and status != "filtered":
        status, value = "judge_missing", None  # a judge is asked about it, and nobody was
    assert (score.status, score.value) == (status, value)
    assert (suite.headline in score.metrics) == (value is not None)


@pytest.mark.parametrize("name", [name for name in SUITES if find(name).judging is not None])
def test_a_judged_suite_keeps_its_part_of_the_contract(name: str, data_dir: Path) -> None:
    suite = find(name)
    sample, answers = loaded(suite, data_dir)[0], (Answer("x"),) * TURNS.get(name, 1)
    asked = suite.judge(sample, answers, ())
    assert asked
    assert all(one.messages and one.text is None for one in asked)
    assert all(one.messages[0].role == "system" for one in asked)
    assert all("x" in one.messages[-1].content for one in asked)
    replies: tuple[Answer, ...] = ()
    for _ in range(8):  # what a judge is asked at most
        replies += tuple(
            Answer("I have no verdict.") for _ in suite.judge(sample, answers, replies)
        )
    assert suite.judge(sample, answers, replies) == ()
    assert len(replies) <= 2 * len(asked)
    score = score_sample(suite, sample, answers, replies)
    assert (score.value, score.status) == (None, "judge_missing")
    assert score.reason
    low, high = suite.metrics.bounds
    assert low < high
