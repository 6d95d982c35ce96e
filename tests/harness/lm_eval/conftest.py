"""A folder of lm-eval tasks: one generates, one chooses, two are scored as they are."""

from pathlib import Path

import pytest

from tests.harness.lm_eval.tasks_of import CHOICE, GENERATION, TEXTS, filtered, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder."""
    found = tmp_path / "tasks"
    found.mkdir()
    write(
        found,
        "sums",
        GENERATION,
        output_type="generate_until",
        training_split="train",
        num_fewshot=2,
        doc_to_text="Q: {{q}}\nA:",
        doc_to_target="{{a}}",
        generation_kwargs={"until": ["\n", "Q"], "max_gen_toks": 12},
        filter_list=[filtered("first-byte", "(.)"), filtered("words", r"(\w+)")],
        metric_list=[{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        metadata={"version": 2.0},
    )
    write(
        found,
        "animals",
        CHOICE,
        output_type="multiple_choice",
        doc_to_text="{{q}}",
        doc_to_choice="choices",
        doc_to_target="gold",
        metric_list=[
            {"metric": "acc", "aggregation": "mean", "higher_is_better": True},
            {"metric": "acc_norm", "aggregation": "mean", "higher_is_better": True},
            {"metric": "mcc", "aggregation": "matthews_corrcoef", "higher_is_better": True},
        ],
    )
    write(
        found,
        "texts",
        TEXTS,
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="{{text}}",
    )
    write(
        found,
        "ends",
        [{"q": "One two ", "a": "three"}, {"q": "", "a": "four"}],
        output_type="loglikelihood",
        doc_to_text="{{q}}",
        doc_to_target="{{a}}",
    )
    return found
