"""A made-up run folder, as large as one likes: results, sample logs, training logs, a recipe.

Six of ten suites are right or wrong, two graded, one rated by a judge over two turns, one a KL.
"""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from harness.storage.atomic_files import write_text
from harness.storage.hashing import canonical
from harness.storage.result import CheckpointResult, Result, SampleResult, SuiteResult
from harness.storage.run_folder import RunFolder

NAMES = ("base", "dpo", "infonca", "nca")
WORDS = (
    "the then so we find that from half number answer total boxes apples cost left more than three "
    "twelve forty hours pages first second equals times plus minus price is has gives step finally"
)
CATEGORIES = ("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a made-up suite is like."""

    name: str
    headline: str
    bounds: tuple[float, float]

    def draw(self, rng: random.Random, skill: float) -> float:
        """A sample's value."""
        if self.headline == "accuracy":
            return float(rng.random() < skill)
        if self.headline == "score":
            return float(min(10, max(1, round(rng.gauss(10 * skill, 2)))))
        return rng.gauss(skill, 1) if self.headline == "k1" else rng.betavariate(4, 4)


KINDS = (
    *(Kind(f"maths{i}", "accuracy", (0.0, 1.0)) for i in range(6)),
    *(Kind(f"graded{i}", "share", (0.0, 1.0)) for i in range(2)),
    Kind("mt_bench", "score", (1.0, 10.0)),
    Kind("kl:maths0", "k1", (-inf, inf)),
)


def text(rng: random.Random, words: int) -> str:
    """Made-up prose."""
    return " ".join(rng.choices(WORDS.split(), k=words))


def lines(
    kind: Kind, checkpoint: str, skill: float, samples: int, words: int
) -> Iterator[dict[str, Any]]:
    """The sample log of one checkpoint on one suite, sorted by id."""
    for sample in sorted(map(str, range(samples))):
        rng = random.Random(f"{kind.name} {checkpoint} {sample}")
        asked = random.Random(f"{kind.name} {sample}")
        value = kind.draw(rng, skill)
        category = CATEGORIES[int(sample) % len(CATEGORIES)]
        metrics = {kind.headline: value}
        if kind.headline == "score":
            metrics[f"{category}/{kind.headline}"] = value
        turns, messages = [], []
        for _ in range(2 if kind.headline == "score" else 1):
            messages = [*messages, {"role": "user", "content": text(asked, words // 2)}]
            answer = {"text": text(rng, words), "finish_reason": "stop", "tokens": words}
            turns.append({"requests": [{"messages": messages}], "answers": [answer]})
            messages = [*messages, {"role": "assistant", "content": answer["text"]}]
        rating = {"text": f"Rating: [[{value}]]", "finish_reason": "stop", "tokens": 9}
        yield {
            "extracted": str(rng.randrange(100)),
            "metrics": metrics,
            "prompt_hash": f"{int(sample):016x}",
            "reason": "",
            "repeat": 0,
            "sample_id": sample,
            "status": "truncated" if rng.random() < 0.1 else "ok",
            "turns": turns,
            "value": value,
            "verdicts": [rating] * len(turns) if kind.headline == "score" else [],
        }


def write(folder: Path, samples: int, words: int = 120, kinds: tuple[Kind, ...] = KINDS) -> Result:
    """Write a run folder of four checkpoints, and return its result."""
    run = RunFolder(folder)
    checkpoints = []
    for number, name in enumerate(NAMES):
        suites = {}
        for kind in kinds:
            found = lines(kind, name, 0.4 + 0.05 * number, samples, words)
            suites[kind.name] = _suite(run, kind, name, found)
        checkpoints.append(_checkpoint(run, name, suites))
    result = Result(
        recipe="bench",
        key="0",
        base="made-up",
        baseline="base",
        checkpoints=tuple(checkpoints),
        versions={"nca-harness": "0"},
    )
    write_text(run.resolved, "name: bench\nbase: made-up\n")
    write_text(run.result, result.model_dump_json())
    return result


def _suite(
    run: RunFolder, kind: Kind, name: str, found: Iterator[Mapping[str, Any]]
) -> SuiteResult:
    kept = []
    file = run.sample_log(name, kind.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as log:
        for line in found:
            log.write(canonical(line) + "\n")
            sample = {key: line[key] for key in ("repeat", "value", "status", "metrics")}
            kept.append(SampleResult(id=line["sample_id"], **sample))
    metrics: dict[str, list[float]] = {}
    for sample in kept:
        for metric, value in sample.metrics.items():
            metrics.setdefault(metric, []).append(value)
    cut = sum(sample.status == "truncated" for sample in kept)
    return SuiteResult(
        suite=kind.name,
        headline=kind.headline,
        metrics={metric: sum(values) / len(values) for metric, values in metrics.items()},
        statuses={"ok": len(kept) - cut, "truncated": cut},
        samples=tuple(kept),
        protocol={"suite": f"{kind.name} 1", "engine": "made up", "prompts": "0123456789abcdef"},
        tokens=120 * len(kept),
        bounds=kind.bounds,
    )


def _checkpoint(run: RunFolder, name: str, suites: dict[str, SuiteResult]) -> CheckpointResult:
    if name == "base":
        return CheckpointResult(name=name, fingerprint=name, suites=suites)
    steps = [_step(split, step, name) for step in range(9) for split in ("probe", "train")]
    rows = "".join(json.dumps(step) + "\n" for step in steps)
    write_text(run.train(name) / "steps.jsonl", rows)
    return CheckpointResult(
        name=name,
        fingerprint=name,
        train={"method": name, "beta": 0.1, "data": "made-up.jsonl", "seed": 0},
        probe=tuple(step for step in steps if step["split"] == "probe"),
        first_step=steps[1],
        suites=suites,
    )


def _step(split: str, step: int, name: str) -> dict[str, Any]:
    sinking = {"dpo": -2.0, "infonca": -1.2, "nca": 0.3}[name]
    return {
        "split": split,
        "step": step,
        "prompts": 24,
        "trained_on": 0,
        "loss": 0.69 - 0.03 * step,
        "logratio_best": sinking * step,
        "logratio_best_se": 0.4,
        "logratio_worst": (sinking - 1.5) * step,
        "logratio_worst_se": 0.5,
        "logratio_margin_se": 0.3,
        "best_rose": 0.5,
        "tokens": 1000 + step,
    }
