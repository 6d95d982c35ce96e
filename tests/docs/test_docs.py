"""The documentation: short pages, commands that exist, README and tutorial run in .ci/run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from eval_suites.requests import Answer
from harness.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "results" / "README.md"])
#: Pages whose commands .ci/run runs as they are shown.
RUN = [ROOT / "README.md", *sorted((ROOT / "docs" / "tutorial").glob("*.md"))]
#: A page that is longer wants to be two.
MOST_LINES = 250
#: Commands that .ci/run has in a part of its own.
PARTS = ("make demo", "make test", "source .venv/bin/activate")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_is_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith("http")]
    generated = [link for link in local if "commands/" in link]  # by scripts/docs_hooks.py
    assert [k for k in local if k not in generated and not (page.parent / k).exists()] == []


def commands(page: Path) -> list[str]:
    """Return the commands in a page's code blocks, without their comments."""
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^ {4}((?:nca|make|source) .*)$", text, re.MULTILINE)
    return [re.sub(r"\s+#.*", "", line).strip() for line in lines]


@pytest.mark.parametrize("command", [command for page in RUN for command in commands(page)])
def test_a_command_of_readme_and_tutorial_is_run_in_ci(command: str) -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace("\\\n", " ")
    assert command in PARTS or command in re.sub(r"\s+", " ", script.replace(".venv/bin/", ""))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_command_that_a_page_shows_exists_with_its_options(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line)
        if words[0] == "nca":
            known = options_of(words[1:])
            assert [word for word in words if word.startswith("--") and word not in known] == []


def options_of(words: list[str]) -> set[str]:
    """Return the options of the command that a command line names."""
    command: Any = typer.main.get_group(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        if word == "--help":
            return {"--help"}
        command = command.commands[word]
    context = typer.Context(command)
    return {name for parameter in command.get_params(context) for name in parameter.opts}


def test_the_picture_of_the_rooms_shows_the_layers_that_are_enforced() -> None:
    script = [sys.executable, ROOT / "scripts" / "rooms_picture.py"]
    drawn = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "images" / "rooms.svg").read_text(encoding="utf-8") == drawn


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_file_of_the_code_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    names = re.findall(r"`((?:harness|train|eval_suites|tests|scripts|recipes)/[\w/.-]+)`", text)
    invented = ("capitals", "train/nca", "train/...")  # in examples, and in run folders
    missing = [name for name in names if not (ROOT / name).exists()]
    assert [name for name in missing if not any(word in name for word in invented)] == []


@pytest.mark.parametrize("name", ["index", "results"])
def test_an_example_of_the_python_reference_runs(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs" / "reference" / "python" / f"{name}.md").read_text(encoding="utf-8")
    exec(text.partition("```python\n")[2].partition("```")[0], {})
    assert capsys.readouterr().out


def test_the_suite_that_contributing_shows_can_be_loaded_asked_and_scored(tmp_path: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "capitals"}
    exec(text.partition("```python\n")[2].partition("```")[0], names)
    (tmp_path / "capitals").mkdir()
    row = '{"question": "What is the capital of France?", "city": "Paris"}\n'
    (tmp_path / "capitals" / "test.jsonl").write_text(row, encoding="utf-8")
    suite = names["SUITE"]

    (sample,) = suite.load(tmp_path)
    (request,) = suite.ask(sample, ())
    assert request.messages[0].content.startswith("What is the capital of France?")
    assert suite.ask(sample, (Answer("Paris."),)) == ()
    assert suite.score(sample, (Answer("Paris."),), (), ()).value == 1
    assert suite.score(sample, (Answer("It is Paris."),), (), ()).value == 0
    assert suite.score(sample, (Answer(""),), (), ()).status == "empty"
