"""Suites by name, their facts in manifest and documentation, and a suite that is added."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

import eval_suites
from eval_suites.errors import DataError, UnknownSuiteError
from eval_suites.registry import SUITES, find
from eval_suites.requests import Request
from eval_suites.suite import Suite
from harness.engines.fake import scripted
from harness.engines.registry import ENGINES
from harness.evaluate.client.job import EvalJob
from harness.evaluate.loop.loop import run
from harness.progress.events import silent
from harness.recipe.schema import EngineChoice
from harness.storage.atomic_files import read_json
from harness.storage.run_folder import RunFolder


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
    licences: dict[str, str] = {}
    for entry in entries:
        if name.partition(":")[0] in entry["suites"]:
            source = f"{entry['repository']} @ {entry['commit']}"
            licences[source] = f"{licences.get(source, '')} {entry['licence']}"
    return licences


@pytest.mark.parametrize("name", [name for name in SUITES if not name.startswith("arithmetic")])
def test_a_suite_states_paper_licence_and_the_commit_that_is_fetched(name: str) -> None:
    suite = find(name)
    source = " ".join(suite.source.split()[:3])
    assert source in pinned(name)
    assert suite.licence.split()[0] in pinned(name)[source]
    module, _, _ = str(SUITES[name]).partition(":")
    text = importlib.import_module(f"eval_suites.suites.{module}").__doc__ or ""
    assert re.search(r"et al\. \d{4},\s+arXiv\s+\d{4}\.\d{5}", text)
    assert suite.licence in {"MIT (texts: LeetCode)", "none stated"} or suite.licence in text


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


def test_the_registry_imports_no_suite_before_it_is_asked_for() -> None:
    code = (
        "import sys; from eval_suites.registry import SUITES, find; "
        "assert not [name for name in sys.modules if name.startswith('eval_suites.suites')]; "
        "find('gsm8k'); assert 'eval_suites.suites.humaneval' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_suite_that_is_added_to_the_registry_runs_through_the_evaluation_loop(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example of CONTRIBUTING.md, from its file to the summary."""
    text = (DOCS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "capitals"}
    exec(text.partition("```python\n")[2].partition("```")[0], names)
    cities = {"France": "Paris", "Spain": "Madrid", "Italy": "Rome"}
    rows = [
        json.dumps({"question": f"The capital of {land}?", "city": city})
        for land, city in cities.items()
    ]
    (tmp_path / "data" / "capitals").mkdir(parents=True)
    (tmp_path / "data" / "capitals" / "test.jsonl").write_text("\n".join(rows), encoding="utf-8")
    monkeypatch.setitem(SUITES, "capitals", names["SUITE"])
    monkeypatch.setitem(ENGINES, "fake", scripted(_capital))
    job = EvalJob(
        models={"base": str(tiny_model)},
        fingerprints={"base": "f"},
        suites={"capitals": None},
        engine=EngineChoice(name="fake"),
        data_dir=tmp_path / "data",
        run=tmp_path / "run",
        journal=tmp_path / "journal.sqlite",
    )

    run(job, silent)

    summary = read_json(RunFolder(job.run).summary("base", "capitals"))
    assert summary["headline"] == "accuracy"
    assert summary["metrics"] == {"accuracy": pytest.approx(1 / 3)}
    assert summary["statuses"] == {"ok": 2, "empty": 1}


def _capital(request: Request) -> str:
    question = request.messages[0].content
    return "Paris." if "France" in question else "It is Madrid." if "Spain" in question else ""
