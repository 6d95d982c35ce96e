"""The cache is shared by everything that may share it, and believes nothing damaged."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import torch

from train.data.tokens import TokenGroup
from train.model.logprobs import logprobs
from train.trainer.reference import ReferenceSource, reference_logps

SOURCE = ReferenceSource("weights", "float32", "sdpa/cpu", "tree")


@pytest.fixture
def ask(tiny: Any, tmp_path: Path) -> Any:
    model = tiny("llama")

    def run(groups: list[TokenGroup], source: ReferenceSource = SOURCE) -> Any:
        return reference_logps(model, groups, source, tmp_path, 2, lambda done, total: None)

    run.model = model  # type: ignore[attr-defined]
    return run


def test_the_first_run_computes_and_the_second_reads_the_same_numbers(
    ask: Any, groups: list[TokenGroup]
) -> None:
    first, report = ask(groups)
    assert (report.computed, report.cached) == (9, 0)
    direct, _ = logprobs(ask.model, groups, "plain")
    for row, values in zip(direct, first, strict=True):
        assert torch.allclose(row[: len(values)], torch.tensor(values), atol=1e-4)
    second, report = ask(groups)
    assert (report.computed, report.cached) == (0, 9)
    assert second == first


def test_another_choice_of_responses_computes_only_what_is_new(
    ask: Any, groups: list[TokenGroup]
) -> None:
    whole = groups[0]
    pair = TokenGroup(whole.prompt, whole.responses[1:3], whole.rewards[1:3], "elsewhere:9")
    (two,), _ = ask([pair])
    (four,), report = ask([whole, whole])[0][:1], ask([whole])[1]
    assert report.computed == 0
    assert four[1:3] == two


@pytest.mark.parametrize("field", ["weights", "dtype", "kernel", "form"])
def test_what_changes_the_number_changes_the_key(
    ask: Any, groups: list[TokenGroup], field: str
) -> None:
    ask(groups)
    values = {"weights": "w", "dtype": "bfloat16", "kernel": "eager/cpu", "form": "padded"}
    settings = {name: getattr(SOURCE, name) for name in values} | {field: values[field]}
    assert ask(groups, ReferenceSource(**settings))[1].computed == 9


def test_a_damaged_entry_is_computed_again(
    ask: Any, groups: list[TokenGroup], tmp_path: Path
) -> None:
    first, _ = ask(groups)
    with sqlite3.connect(tmp_path / "reference.sqlite") as cache:
        cache.execute("UPDATE entries SET logp = -1 WHERE tokens = 7")
    cache.close()
    second, report = ask(groups)
    assert report.computed == 1
    for before, after in zip(first, second, strict=True):
        assert after == pytest.approx(before, abs=1e-4)


def test_a_damaged_file_is_put_aside(ask: Any, groups: list[TokenGroup], tmp_path: Path) -> None:
    (tmp_path / "reference.sqlite").write_bytes(b"no database at all, but long enough" * 40)
    assert ask(groups)[1].computed == 9
    assert (tmp_path / "reference.damaged").is_file()
    assert ask(groups)[1].computed == 0
