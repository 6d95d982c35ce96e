"""`nca data sample`: rows and provenance where they are wanted, and no file of others lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from harness.storage.hashing import file_digest
from train.data.groups import read_groups

Nca = Callable[..., int]
ASKED = ("--prompts", "arithmetic:train", "--limit", "5", "--engine", "fake")


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NCA_DATA_DIR", raising=False)
    return tmp_path


def test_rows_lie_where_they_are_wanted_and_come_again_without_work(
    there: Path, tiny_model: Path, nca: Nca, capsys: pytest.CaptureFixture[str]
) -> None:
    out, beside = there / "own" / "rows.jsonl", there / "own" / "rows.provenance.yaml"

    assert nca("data", "sample", f"mine={tiny_model}", *ASKED, "-k", 3, "-o", out) == 0
    first = capsys.readouterr().out
    rows, told = out.read_bytes(), yaml.safe_load(beside.read_text())
    out.unlink()
    assert nca("data", "sample", f"mine={tiny_model}", *ASKED, "-k", 3, "-o", out) == 0

    assert "sampled: 15 responses to 5 prompts, mean reward" in first
    assert "done already" in capsys.readouterr().out
    assert out.read_bytes() == rows
    assert told["sha256"] == file_digest(out)
    assert told["checkpoint"]["name"] == "mine"
    groups, _ = read_groups(out)
    assert [len(group.responses) for group in groups] == [3] * 5


def test_a_file_of_others_is_never_written_over(
    there: Path, tiny_model: Path, nca: Nca, capsys: pytest.CaptureFixture[str]
) -> None:
    (there / "mine.jsonl").write_text("precious\n")

    assert nca("data", "sample", tiny_model, *ASKED, "-o", "mine.jsonl") == 2

    assert "was not sampled by this command" in capsys.readouterr().err
    assert (there / "mine.jsonl").read_text() == "precious\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("-o", "rows.txt"), "ends in .jsonl"),
        (("-o", "r.jsonl", "-k", "1"), "-k: "),
        (("-o", "r.jsonl", "--temperature", "0"), "--temperature: "),
        (("-o", "r.jsonl", "--top-p", "1.5"), "--top-p: "),
        (("-o", "r.jsonl", "--verifier", "gsm9k"), "did you mean gsm8k"),
        (("-o", "r.jsonl", "--verifier", "arithmetic", "--reward-model", "x"), "name one scorer"),
        (("-o", "r.jsonl", "--reward-model", "./none"), "./none: no such checkpoint folder"),
        (("-o", "r.jsonl", "--prompts", "none.jsonl"), "none.jsonl: neither a suite"),
    ],
)
def test_a_mistake_is_said_before_anything_starts(
    there: Path,
    tiny_model: Path,
    nca: Nca,
    capsys: pytest.CaptureFixture[str],
    given: tuple[str, ...],
    said: str,
) -> None:
    assert nca("data", "sample", tiny_model, *ASKED, *given) == 2

    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) <= 2
    assert not list(there.glob("runs/sample-*"))
