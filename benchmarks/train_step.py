"""`make bench-train`: our training step against TRL's and a plain padded loop, in CPU-seconds.

Contestants (`train_contestants`) run in turn, five steps at a time; a figure is the median over
blocks of the ratio of CPU-seconds a step, with a bootstrap interval.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from benchmarks.train_contestants import CONTESTANTS, PROMPTS_PER_STEP
from benchmarks.train_problem import problem, useful_operations
from benchmarks.turns import Blocks, cpu_seconds, in_turn, interval, ratios

OPPONENTS = ("trl", "trl_precomputed", "padded")


def gemm_rate(size: int, repeats: int = 5) -> float:
    """Operations a CPU-second of a product of two square fp32 matrices, median."""
    left, right = torch.randn(size, size), torch.randn(size, size)
    left @ right
    rates = []
    for _ in range(repeats):
        began = cpu_seconds()
        left @ right
        rates.append(2 * size**3 / max(cpu_seconds() - began, 1e-2))
    return statistics.median(rates)


def measure(model: Path, data: Path, responses: int, blocks: int, steps: int) -> dict[str, Blocks]:
    """All contestants on K responses."""
    sizes = [1, *[steps] * blocks]
    shared = ["--model", str(model), "--data", str(data), "--responses", str(responses)]
    commands = {
        name: [
            *(sys.executable, "-m", "benchmarks.train_contestants", name, *shared),
            *("--blocks", *map(str, sizes)),
        ]
        for name in CONTESTANTS
    }
    logs = Path(tempfile.mkdtemp(prefix="bench-train-"))
    return in_turn(commands, blocks, logs, lambda line: print(line, file=sys.stderr, flush=True))


def report(found: dict[str, Blocks], responses: int, useful: Sequence[float], rate: float) -> str:
    """The figures as Markdown."""
    own = found["tree"]
    lines = [
        f"### K = {responses}, {len(own.cpu)} blocks",
        "",
        "| | CPU-seconds a step: median (min, max) | times ours (95 %) | peak memory, GB |",
        "| --- | --- | --- | --- |",
    ]
    for name, blocks in found.items():
        times = ratios(blocks, own)
        low, high = interval(times)
        lines.append(
            f"| {name} | {statistics.median(blocks.cpu):.2f} "
            f"({min(blocks.cpu):.2f}, {max(blocks.cpu):.2f}) | "
            f"{statistics.median(times):.2f} ({low:.2f}, {high:.2f}) | {blocks.peak / 1e9:.2f} |"
        )
    share = statistics.median(
        work / (spent * rate) for work, spent in zip(useful, own.cpu, strict=True)
    )
    overhead = statistics.median(ratios(found["trainer"], own)) - 1
    product = f"a large fp32 matrix product ({rate / 1e9:.0f} billion a CPU-second)"
    lines += [
        "",
        f"- Peak memory of ours over TRL's: {own.peak / found['trl'].peak:.2f}.",
        f"- Useful operations: {statistics.mean(useful) / 1e9:.0f} billion a step, done at",
        f"  {share:.2f} of the rate of {product}.",
        f"- Our Trainer over our bare loop: {100 * overhead:+.1f} %.",
    ]
    return "\n".join(lines)


def useful_by_block(
    model: Path, data: Path, responses: int, blocks: int, steps: int
) -> list[float]:
    """Useful operations a step, mean of each counted block."""
    with torch.device("meta"):
        shape = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model))
    tokenizer = AutoTokenizer.from_pretrained(model)
    groups = problem(tokenizer, data, PROMPTS_PER_STEP * (1 + blocks * steps), responses)
    work = [useful_operations(shape, group) for group in groups[PROMPTS_PER_STEP:]]
    size = PROMPTS_PER_STEP * steps
    return [sum(work[start : start + size]) / steps for start in range(0, len(work), size)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/smollm2-135m-instruct"))
    parser.add_argument("--data-dir", type=Path, default=Path("../shared/data"))
    parser.add_argument("--responses", type=int, nargs="+", default=[4, 2])
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--gemm", type=int, default=4096, help="side of the product's matrices")
    asked = parser.parse_args()
    data = asked.data_dir / "preference" / "ultrafeedback_binarized_train_1000.jsonl.gz"
    for path, remedy in ((asked.model, "run `make demo` once"), (data, "set --data-dir")):
        if not path.exists():
            sys.exit(f"{path}: missing; {remedy}")
    rate = gemm_rate(asked.gemm)
    for responses in asked.responses:
        found = measure(asked.model, data, responses, asked.blocks, asked.steps)
        useful = useful_by_block(asked.model, data, responses, asked.blocks, asked.steps)
        print(report(found, responses, useful, rate) + "\n", flush=True)


if __name__ == "__main__":
    main()
