"""A small run folder with known values and hostile texts, to be reported."""

import json
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from harness.storage.atomic_files import write_text
from harness.storage.hashing import canonical
from harness.storage.result import CheckpointResult, Result, SampleResult, SuiteResult
from harness.storage.run_folder import RunFolder

#: Sample by sample, right or wrong: base, dpo, nca. DPO is wrong and NCA right on 1, 9 and 10.
MATHS = {
    "base": [1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0],
    "dpo": [1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1],
    "nca": [1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1],
}
RATINGS = {"base": [4, 5, 6, 5], "dpo": [6, 5, 3, 7], "nca": [7, 8, 6, 9]}
NATS = {"base": [0.0, 0.0, 0.0], "dpo": [0.5, 0.7, 0.2], "nca": [0.1, -0.1, 0.4]}
CATEGORIES = ("writing", "coding")
LONG = "unbroken" * 25_000 + " word" * 8_000
#: What must stay text. Each would say so in `window.hit`, or in the page's looks, if it acted.
HOSTILE = (
    "<script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 2'>",
    "</script><script>window.hit = 3</script><!--",
    "<svg/onload=window.hit=4><b onmouseover=window.hit=5>unclosed <table><td>",
    "right\u202eto left\u2066 marks\u200b",
    "null\x00 bell\x07 escape\x1b[31m",
    "&lt;script&gt; &#60;b&#62; {{ 7 * 7 }} {% raw %} ${window.hit = 6}",
    "<iframe src=https://example.org></iframe><link rel=stylesheet href=//example.org/x.css>",
    LONG,
    "<a href='javascript:window.hit=7' style='position:fixed;inset:0'>click</a>",
    "line\u2028separator\u2029 and \r\n ends",
    "lone \ud800 surrogate",
)


def line(
    sample: int, value: float | None, turns: Sequence[tuple[str, str]], **more: Any
) -> dict[str, Any]:
    """A line of a sample log; `turns` are questions and answers."""
    messages: list[dict[str, str]] = []
    told = []
    for question, answer in turns:
        messages = [*messages, {"role": "user", "content": question}]
        said = {"text": answer, "finish_reason": "stop", "tokens": 7 + sample}
        told.append({"requests": [{"messages": messages}], "answers": [said]})
        messages = [*messages, {"role": "assistant", "content": answer}]
    return {
        "sample_id": str(sample),
        "repeat": 0,
        "prompt_hash": "0",
        "turns": told,
        "extracted": None if value is None else f"read {sample}",
        "value": value,
        "metrics": {},
        "status": "infra" if value is None else "ok",
        "reason": "",
        "verdicts": [],
        **more,
    }


def maths(name: str) -> list[dict[str, Any]]:
    """Right or wrong; answers are hostile, sample 4 was cut off."""
    rows = [
        line(
            i,
            float(value),
            [(f"Question {i}: what is {i} plus {i}?", f"{name} says {HOSTILE[i]} {2 * i}")],
            metrics={"accuracy": float(value)},
            status="truncated" if i == 4 else "ok",
        )
        for i, value in enumerate(MATHS[name])
    ]
    return sorted(rows, key=lambda row: str(row["sample_id"]))


def chat(name: str) -> list[dict[str, Any]]:
    """Two turns each, rated by a judge, in categories."""
    return [
        line(
            i,
            float(value),
            [(f"Write {i}.", f"{name} wrote {i}"), ("Now shorter.", f"{name} short {i}")],
            metrics={"score": float(value), f"{CATEGORIES[i % 2]}/score": float(value)},
            verdicts=[
                {"text": f"Turn {t}. Rating: [[{value}]]", "finish_reason": "stop", "tokens": 5}
                for t in (1, 2)
            ],
        )
        for i, value in enumerate(RATINGS[name])
    ]


def far(name: str) -> list[dict[str, Any]]:
    """A KL of each draw."""
    return [line(i, value, [("Say.", "So.")]) for i, value in enumerate(NATS[name])]


SUITES = (
    ("maths", "accuracy", (0.0, 1.0), maths),
    ("mt_bench", "score", (1.0, 10.0), chat),
    ("kl:maths", "k1", (-inf, inf), far),
)


def made(folder: Path) -> Result:
    """Write the run folder, and return its result."""
    run = RunFolder(folder)
    result = Result(
        recipe="toy",
        key="0123abcd",
        base="some-model",
        baseline="base",
        checkpoints=tuple(_checkpoint(run, name) for name in MATHS),
        versions={"nca-harness": "0.1.0"},
    )
    write_text(run.resolved, "name: toy\nbase: some-model  # <b>bold</b>\n")
    write_text(run.result, result.model_dump_json())
    return result


def _checkpoint(run: RunFolder, name: str) -> CheckpointResult:
    suites = {}
    for suite, headline, bounds, rows in SUITES:
        found = rows(name)
        write_text(run.sample_log(name, suite), "".join(json.dumps(row) + "\n" for row in found))
        suites[suite] = _suite(suite, headline, bounds, found)
    steps = () if name == "base" else tuple(_probe(step, name) for step in (0, 4, 8))
    if steps:
        text = "".join(canonical(step) + "\n" for step in steps)
        write_text(run.train(name) / "steps.jsonl", text)
    train = {"method": name, "data": "pairs.jsonl", "beta": 0.1, "seed": 3} if steps else None
    return CheckpointResult(
        name=name, fingerprint=f"print-{name}", train=train, probe=steps, suites=suites
    )


def _suite(
    name: str, headline: str, bounds: tuple[float, float], rows: Sequence[Mapping[str, Any]]
) -> SuiteResult:
    metrics: dict[str, list[float]] = {}
    for row in rows:
        for key, value in row["metrics"].items():
            metrics.setdefault(key, []).append(value)
    kept = ("repeat", "value", "status", "metrics")
    return SuiteResult(
        suite=name,
        headline=headline,
        metrics={key: sum(found) / len(found) for key, found in metrics.items()},
        statuses={"ok": sum(row["status"] == "ok" for row in rows)},
        samples=tuple(
            SampleResult(id=row["sample_id"], **{key: row[key] for key in kept}) for row in rows
        ),
        protocol={"suite": f"{name} 1", "prompts": "feedc0de"},
        tokens=sum(
            answer["tokens"] for row in rows for t in row["turns"] for answer in t["answers"]
        ),
        bounds=bounds,
    )


def _probe(step: int, name: str) -> dict[str, Any]:
    best = step * (0.5 if name == "nca" else -1.5)
    return {
        "split": "probe", "step": step, "prompts": 24, "trained_on": 0, "loss": 0.69 - step / 40,
        "logratio_best": best, "logratio_best_se": 0.3, "logratio_worst": best - step,
        "logratio_worst_se": 0.4, "logratio_margin_se": 0.2, "best_rose": 0.5,
    }  # fmt: skip
