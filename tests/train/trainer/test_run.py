"""A whole run on a tiny model: step-0 facts, shared reference, files, interruption and resume."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from train import TrainConfig, TrainJob
from train.errors import DataError, TrainError
from train.trainer.run import run

ROOT = Path(__file__).resolve().parents[3]


def rows(count: int, start: int) -> list[dict[str, Any]]:
    return [
        {
            "prompt": f"{n} + {n + 1}?",
            "responses": [f"It is {2 * n + 1}.", f"{2 * n + 1}" + "!" * (n % 5), "2", "No idea"],
            "rewards": [3, 2, 1, 0],
        }
        for n in range(start, start + count)
    ]


@pytest.fixture
def job(tiny_model: Path, tmp_path: Path, write_jsonl: Any) -> Any:
    """A function from an output name and config keys to a job of 6 steps of 4 prompts."""
    data, probe = write_jsonl("train.jsonl", rows(24, 0)), write_jsonl("probe.jsonl", rows(3, 50))

    def make(name: str, **keys: Any) -> TrainJob:
        settings = {
            "method": "nca",
            "data": data,
            "probe": probe,
            "learning_rate": 1e-3,
            "prompts_per_step": 4,
            "prompts_per_batch": 2,
            "probe_every": 2,
            "save_every": 2,
            **keys,
        }
        return TrainJob(
            base=tiny_model,
            out=tmp_path / name,
            cache=tmp_path / "cache",
            config=TrainConfig(**settings),
        )

    return make


def steps(job: TrainJob) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (job.out / "steps.jsonl").read_text().splitlines()]


def weights(job: TrainJob) -> dict[str, torch.Tensor]:
    return load_file(job.out / "checkpoint" / "adapter_model.safetensors")


class At:
    """Does something at the first event that has the given fields."""

    def __init__(self, action: Any, **fields: Any) -> None:
        self.action, self.fields, self.events = action, fields, list[Mapping[str, Any]]()

    def __call__(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)
        if self.fields and all(event.get(key) == value for key, value in self.fields.items()):
            self.action()


@pytest.mark.parametrize(
    ("method", "keys", "expected"),
    [
        ("dpo", {"pairs": "best_vs_worst"}, log(2)),
        ("dpo", {"pairs": "best_vs_rest"}, log(2)),
        ("infonca", {}, log(4)),
        ("infonca", {"responses": 3}, log(3)),
        ("nca", {"alpha": 0.0}, 2 * log(2)),
    ],
)
def test_before_the_first_update_the_losses_are_known(
    job: Any, method: str, keys: dict[str, Any], expected: float
) -> None:
    this = job("out", method=method, max_steps=1, warmup=0, **keys)
    run(this)
    (probe, first, last) = steps(this)
    assert (probe["split"], probe["step"]) == ("probe", 0)
    assert (first["split"], first["step"]) == ("train", 0)
    assert (last["split"], last["step"]) == ("probe", 1)
    assert first["loss"] == pytest.approx(expected, abs=1e-5)
    assert first["logratio_best"] == pytest.approx(0, abs=1e-4)
    assert probe["loss"] == pytest.approx(log(4) if method == "infonca" else expected, abs=1e-6)
    assert last["logratios"] != [0, 0, 0, 0]


def test_a_probe_says_how_many_of_its_prompts_are_trained_on(job: Any) -> None:
    apart, same = job("apart", max_steps=1), job("same", max_steps=1)
    same = same.model_copy(
        update={"config": same.config.model_copy(update={"probe": same.config.data})}
    )
    for this in (apart, same):
        run(this)
    assert [line["trained_on"] for line in steps(apart) if line["split"] == "probe"] == [0, 0]
    # One step of four prompts was asked for: the other twenty are not trained on.
    assert [line["trained_on"] for line in steps(same) if line["split"] == "probe"] == [4, 4]


def test_a_run_leaves_a_checkpoint_records_and_no_state(job: Any, tiny_model: Path) -> None:
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoTokenizer

    this, listener = job("out"), At(None)
    result = run(this, [listener])
    assert sorted(path.name for path in this.out.iterdir()) == [
        "checkpoint",
        "speed.jsonl",
        "steps.jsonl",
        "summary.json",
        "timing.json",
    ]
    lines = steps(this)
    assert [line["step"] for line in lines if line["split"] == "train"] == list(range(6))
    assert [line["step"] for line in lines if line["split"] == "probe"] == [0, 2, 4, 6]
    assert lines[-1]["loss"] < lines[0]["loss"]
    logged = [event for event in listener.events if event["event"] == "log"]
    assert [{k: v for k, v in event.items() if k != "event"} for event in logged] == lines
    assert result.checkpoint == this.out / "checkpoint"
    assert AutoTokenizer.from_pretrained(result.checkpoint).chat_template
    settings = json.loads((result.checkpoint / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(tiny_model)
    AutoPeftModelForCausalLM.from_pretrained(result.checkpoint)


def test_all_weights_can_be_trained(job: Any) -> None:
    from transformers import AutoModelForCausalLM

    this = job("out", lora=None, form="padded", max_steps=2)
    run(this)
    first, last = steps(this)[1], steps(this)[-1]
    assert first["loss"] == pytest.approx(2 * log(2), abs=1e-5)
    assert last["loss"] < first["loss"]
    AutoModelForCausalLM.from_pretrained(this.out / "checkpoint")


def test_one_reference_serves_every_method_and_setting(job: Any) -> None:
    few, rest = run(job("few", max_steps=1)), run(job("all"))
    assert few.reference.computed == (4 + 3) * 4
    assert rest.reference.computed + few.reference.computed == 27 * 4
    others = [
        job("b", method="infonca", beta=0.01, alpha=0.3, max_steps=1),
        job("c", method="dpo", pairs="best_vs_random", learning_rate=1e-4, max_steps=1),
        job("d", responses=2, max_steps=1, seed=5),
    ]
    assert [run(other).reference.computed for other in others] == [0, 0, 0]


def test_a_sweep_of_three_methods_and_three_betas_computes_each_entry_once(job: Any) -> None:
    methods = {"nca": {}, "infonca": {}, "dpo": {"pairs": "best_vs_rest"}}
    computed = [
        run(job(f"{method}-{beta}", method=method, beta=beta, max_steps=1, **keys)).reference
        for method, keys in methods.items()
        for beta in (0.01, 0.1, 1.0)
    ]
    assert [report.computed for report in computed] == [(4 + 3) * 4, *[0] * 8]
    assert [report.cached for report in computed] == [0, *[(4 + 3) * 4] * 8]


def test_accumulation_changes_nothing(job: Any) -> None:
    whole, split = job("one", prompts_per_batch=4), job("two", prompts_per_batch=1)
    run(whole)
    run(split)
    for expected, record in zip(steps(whole), steps(split), strict=True):
        assert record["loss"] == pytest.approx(expected["loss"], abs=1e-4)


SCRIPT = """
    import os, signal, sys
    from train import TrainJob
    from train.trainer.run import run

    class Kill:
        def __call__(self, event):
            if all(str(event.get(key)) == value for key, value in FIELDS.items()):
                os.kill(os.getpid(), signal.SIGKILL)

    FIELDS = dict(field.split("=") for field in sys.argv[2:])
    run(TrainJob.model_validate_json(sys.argv[1]), [Kill()])
"""


@pytest.mark.parametrize(
    "moment",
    [
        ("event=log", "split=train", "step=2"),  # after one saved state, before the next
        ("event=progress", "phase=probe", "done=2", "total=3"),  # in a probe, no state yet
    ],
)
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_been(
    job: Any, moment: tuple[str, ...]
) -> None:
    whole, killed = job("whole"), job("killed")
    run(whole)
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), killed.model_dump_json(), *moment]
    threads = str(torch.get_num_threads())  # the same sums in the same order
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": threads}
    done = subprocess.run(command, env=env, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with (killed.out / "steps.jsonl").open("a") as stream:
        stream.write('{"split": "train", "st')  # a torn line, as a full disk leaves it
    result = run(killed)
    assert result.resumed_at == (2 if "step=2" in moment else None)
    assert steps(killed) == steps(whole)
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(killed).items())
    assert not (killed.out / "state").exists()


def test_ctrl_c_saves_the_step_in_progress(job: Any) -> None:
    whole, stopped = job("whole", save_every=50), job("stopped", save_every=50)
    run(whole)
    press = At(lambda: os.kill(os.getpid(), signal.SIGINT), phase="train", done=3)
    with pytest.raises(KeyboardInterrupt):
        run(stopped, [press])
    assert not (stopped.out / "checkpoint").exists()
    assert run(stopped).resumed_at in (3, 4)
    assert steps(stopped) == steps(whole)


def test_a_state_of_other_settings_is_not_resumed(job: Any) -> None:
    press = At(lambda: os.kill(os.getpid(), signal.SIGINT), phase="train", done=2)
    with pytest.raises(KeyboardInterrupt):
        run(job("out"), [press])
    assert run(job("out", beta=0.2)).resumed_at is None
    assert len(steps(job("out"))) == 6 + 4


def test_a_reference_that_is_not_the_policys_stops_the_run(job: Any, tmp_path: Path) -> None:
    import hashlib
    import sqlite3
    import struct

    run(job("a", max_steps=1))
    cache = sqlite3.connect(tmp_path / "cache" / "reference.sqlite")
    for key, logp, tokens in cache.execute("SELECT key, logp, tokens FROM entries").fetchall():
        wrong = logp + 0.01
        proof = hashlib.sha256(key + struct.pack("<dq", wrong, tokens)).digest()[:8]
        cache.execute("UPDATE entries SET logp = ?, proof = ? WHERE key = ?", (wrong, proof, key))
    cache.commit()
    cache.close()
    with pytest.raises(TrainError, match=r"train\.jsonl:\d+, response \d: before any update"):
        run(job("b", max_steps=1))


def test_bad_input_is_refused_before_anything_is_computed(
    job: Any, tmp_path: Path, write_jsonl: Any
) -> None:
    tied = write_jsonl("tied.jsonl", [{**row, "rewards": [1] * 4} for row in rows(2, 0)])
    for error, complaint, keys in [
        (TrainError, "no method 'ncaa'", {"method": "ncaa"}),
        (TrainError, "dpo takes no gamma", {"method": "dpo", "method_settings": {"gamma": 1.0}}),
        (TrainError, "method_settings.beta: write it", {"method_settings": {"beta": 1.0}}),
        (TrainError, "set `pairs`", {"method": "dpo"}),
        (DataError, "no such data file", {"data": tmp_path / "absent.jsonl"}),
        (DataError, "has no pair", {"method": "dpo", "pairs": "all", "data": tied}),
    ]:
        with pytest.raises(error, match=complaint):
            run(job("out", **keys))
    assert not (tmp_path / "out").exists()
    nowhere = job("out").model_copy(update={"base": tmp_path})
    with pytest.raises(TrainError, match=str(tmp_path)):
        run(nowhere)


def test_a_config_that_cannot_fit_is_refused(job: Any) -> None:
    with pytest.raises(ValueError, match="leaves no room for a response"):
        job("out", max_length=100, max_prompt_length=100)
    with pytest.raises(ValueError, match="must be a multiple"):
        job("out", prompts_per_step=4, prompts_per_batch=3)


def test_a_run_that_died_while_saving_its_checkpoint_only_saves(
    job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, died = job("whole"), job("died")
    run(whole)

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("train.model.loading.save_checkpoint", fail)
        with pytest.raises(OSError, match="No space"):
            run(died)
    listener = At(None)
    assert run(died, [listener]).resumed_at == 6
    assert not [event for event in listener.events if event["event"] == "log"]
    assert steps(died) == steps(whole)
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(died).items())


def speeds(job: TrainJob) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (job.out / "speed.jsonl").read_text().splitlines()]


def test_every_step_has_a_speed_and_none_twice_after_a_resume(job: Any) -> None:
    class Stop(Exception):  # noqa: N818
        pass

    def stop() -> None:
        raise Stop

    this = job("out")
    with pytest.raises(Stop):
        run(this, [At(stop, event="progress", phase="train", done=5)])
    assert run(this).resumed_at == 4
    assert [line["step"] for line in speeds(this)] == list(range(6))
    trained = [line for line in steps(this) if line["split"] == "train"]
    for line, speed in zip(trained, speeds(this), strict=True):
        assert speed["seconds"] > 0
        tokens = speed["tokens_per_second"] * speed["seconds"]
        assert tokens == pytest.approx(line["tokens"], rel=0.1)  # seconds are rounded


def test_packed_rows_have_no_padding_and_padded_ones_do(job: Any) -> None:
    packed, padded = job("packed", max_steps=1), job("padded", max_steps=1, form="padded")
    run(packed)
    run(padded)
    (a,), (b,) = ([x for x in steps(j) if x["split"] == "train"] for j in (packed, padded))
    assert a["padding_share"] == 0
    assert 0 < b["padding_share"] < 1
    assert a["tokens"] < b["tokens"]  # the prompt once, not four times
    assert a["loss"] == pytest.approx(b["loss"], abs=1e-5)


def test_a_fall_of_the_best_responses_is_told_once(
    job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.trainer.recorder.FALL", 0.01)
    quiet, loud = At(None), At(None)
    run(job("held", method="sft", learning_rate=1e-3), [quiet])
    run(job("fell", method="dpo", pairs="best_vs_worst", learning_rate=0.3), [loud])
    notes = [e["text"] for e in quiet.events if e["event"] == "note"]
    assert not [text for text in notes if "warning" in text]
    notes = [e["text"] for e in loud.events if e["event"] == "note" and "warning" in e["text"]]
    best = [x["logratio_best"] for x in steps(job("fell")) if x["split"] == "probe"]
    assert bool(notes) == (min(best) < -0.01)
    assert len(notes) == 1
    assert "best responses of the probe prompts lost" in notes[0]
