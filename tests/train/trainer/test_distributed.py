"""Two CPU processes over gloo do what one does: losses, records, weights, the z of KTO."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from train import TrainConfig, TrainJob
from train.errors import TrainError
from train.trainer.distributed import SINGLE_PROCESS, join
from train.trainer.run import run

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = ROOT / "recipes" / "accelerate"

#: Each job of 19 prompts: four whole steps of 4 and one of 3, which two processes cannot halve.
JOBS: Mapping[str, Mapping[str, Any]] = {
    "lora": {},
    "full": {"lora": None},
    "lora_recomputed": {"checkpoint_activations": True},
    "full_recomputed": {"lora": None, "checkpoint_activations": True},
    "pairs": {"method": "dpo", "responses": 2, "probe": None},
    "kto": {"method": "kto", "learning_rate": 1e-2, "lora": None},
}
SCRIPT = """
    import json, os, sys
    from pathlib import Path
    from train import TrainJob
    from train.trainer.run import run
    from train.trainer.distributed import leave

    class Note:
        def __call__(self, event):
            events.append(dict(event))

    for number, job in enumerate(json.loads(Path(sys.argv[1]).read_text())):
        events = []
        run(TrainJob.model_validate(job), [Note()])
        rank = os.environ["RANK"]
        Path(f"{job['out']}/events-{rank}.json").write_text(json.dumps(events))
    leave()
"""


def rows(count: int, start: int) -> list[dict[str, Any]]:
    return [
        {
            "prompt": f"{n} + {n + 1}?",
            "responses": [f"It is {2 * n + 1}.", f"{2 * n + 1}" + "!" * (n % 5), "2", "No"][
                : 2 + n
            ],
            "rewards": [3, 2, 1, 0][: 2 + n],
        }
        for n in range(start, start + count)
    ]


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def make_job(folder: Path, base: Path, name: str, **keys: Any) -> TrainJob:
    settings = {
        "data": write(folder / "train.jsonl", rows(19, 0)),
        "probe": write(folder / "probe.jsonl", rows(3, 50)),
        "learning_rate": 1e-3,
        "prompts_per_step": 4,
        "prompts_per_batch": 1,
        "probe_every": 2,
        "save_every": 2,
        **keys,
    }
    config = TrainConfig.model_validate(settings)
    return TrainJob(base=base, out=folder / name, cache=folder / "cache", config=config)


def in_two(jobs: list[TrainJob], how: str, folder: Path) -> None:
    """Run jobs one after the other in two processes that `accelerate launch` starts."""
    script, listed = folder / "script.py", folder / "jobs.json"
    script.write_text(textwrap.dedent(SCRIPT))
    listed.write_text(json.dumps([job.model_dump(mode="json") for job in jobs]))
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2"]
    launcher += ["--main_process_port", "0", "--log_dir", str(folder / "logs")]
    command = [*launcher, "--config_file", str(CONFIGS / f"{how}.yaml"), str(script), str(listed)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=env, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-5000:]


def steps(job: TrainJob) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (job.out / "steps.jsonl").read_text().splitlines()]


def weights(job: TrainJob) -> dict[str, torch.Tensor]:
    (file,) = (job.out / "checkpoint").glob("*.safetensors")
    return load_file(file)


def assert_same_records(single: list[dict[str, Any]], double: list[dict[str, Any]]) -> None:
    for whole, shared in zip(single, double, strict=True):
        assert whole.keys() == shared.keys()
        for key, value in whole.items():
            assert shared[key] == (
                pytest.approx(value, abs=1e-5, rel=1e-5)
                if isinstance(value, float | list)
                else value
            ), (whole["split"], whole["step"], key)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[str, TrainJob]:
    """The jobs done by one process, whose micro-batches of KTO are what two have together."""
    folder = tmp_path_factory.mktemp("alone")
    jobs = {name: make_job(folder, tiny_model, name, **keys) for name, keys in JOBS.items()}
    jobs["kto"] = make_job(folder, tiny_model, "kto", **JOBS["kto"], prompts_per_batch=2)
    for job in jobs.values():
        run(job)
    return jobs


@pytest.fixture(scope="module", params=[pytest.param("ddp", marks=pytest.mark.slow), "fsdp2"])
def together(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> dict[str, TrainJob]:
    """The same jobs done by two."""
    folder = tmp_path_factory.mktemp(request.param)
    jobs = {name: make_job(folder, tiny_model, name, **keys) for name, keys in JOBS.items()}
    in_two(list(jobs.values()), request.param, folder)
    return jobs


def test_two_processes_log_and_learn_what_one_does(
    alone: dict[str, TrainJob], together: dict[str, TrainJob]
) -> None:
    for name, job in together.items():
        assert_same_records(steps(alone[name]), steps(job))
        assert [s["prompts"] for s in steps(job) if s["split"] == "train"] == [4, 4, 4, 4, 3]
        expected, trained = weights(alone[name]), weights(job)
        assert expected.keys() == trained.keys()
        for key, value in trained.items():
            torch.testing.assert_close(value, expected[key], atol=1e-5, rtol=1e-5)


def test_the_divergence_that_kto_compares_with_is_of_all_processes(
    alone: dict[str, TrainJob], together: dict[str, TrainJob]
) -> None:
    losses = [line["loss"] for line in steps(together["kto"])]
    assert losses == pytest.approx([line["loss"] for line in steps(alone["kto"])], abs=1e-5)
    # The test is worth something only if z is above 0 and one process's z is another number.
    apart = make_job(alone["kto"].out.parent, alone["kto"].base, "apart", **JOBS["kto"])
    run(apart)
    assert losses != pytest.approx([line["loss"] for line in steps(apart)], abs=1e-4)


def test_one_process_tells_and_writes_and_the_reference_is_computed_once(
    alone: dict[str, TrainJob], together: dict[str, TrainJob]
) -> None:
    for name, job in together.items():
        assert json.loads((job.out / "events-1.json").read_text()) == []
        events = json.loads((job.out / "events-0.json").read_text())
        logged = [
            {k: v for k, v in e.items() if k != "event"} for e in events if e["event"] == "log"
        ]
        assert logged == steps(job)
        assert sorted(p.name for p in job.out.iterdir() if not p.name.startswith("events")) == [
            "checkpoint",
            "speed.jsonl",
            "steps.jsonl",
            "summary.json",
            "timing.json",
        ]
        whole, summary = (
            json.loads((j.out / "summary.json").read_text()) for j in (alone[name], job)
        )
        assert {**summary, "reference": None} == {**whole, "reference": None}
    first, second = (
        json.loads((together[name].out / "summary.json").read_text())["reference"]
        for name in ("lora", "full")
    )
    everything = sum(len(row["responses"]) for row in [*rows(19, 0), *rows(3, 50)])
    assert first == {"computed": everything, "cached": 0}
    assert second == {"computed": 0, "cached": everything}


def test_a_checkpoint_of_two_processes_loads_as_any_other(together: dict[str, TrainJob]) -> None:
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoModelForCausalLM

    AutoPeftModelForCausalLM.from_pretrained(together["lora"].out / "checkpoint")
    folder = together["full"].out / "checkpoint"
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    trained = weights(together["full"])["model.embed_tokens.weight"]
    assert torch.equal(model.lm_head.weight, trained)


@pytest.mark.parametrize(
    ("key", "value", "needed"),
    [
        ("fsdp_version", "1", "2"),
        ("fsdp_state_dict_type", "FULL_STATE_DICT", "SHARDED_STATE_DICT"),
        ("fsdp_cpu_ram_efficient_loading", "true", "false"),
    ],
)
def test_a_sharding_that_training_cannot_work_with_is_refused(
    monkeypatch: pytest.MonkeyPatch, key: str, value: str, needed: str
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.setenv(key.upper(), value)
    with pytest.raises(TrainError, match=f"sets {key} to {value}: set it to {needed}"):
        join()


def test_a_run_of_one_exchanges_nothing() -> None:
    assert SINGLE_PROCESS.main
    assert SINGLE_PROCESS.gather([1, 2]) == [1, 2]
    assert SINGLE_PROCESS.broadcast("x") == "x"


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda file: file.stem)
def test_accelerate_reads_the_ready_configurations(file: Path) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    read = load_config_from_file(str(file))
    assert (read.num_processes, read.mixed_precision) == (2, "no")
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert str(read.distributed_type).endswith(document["distributed_type"])
