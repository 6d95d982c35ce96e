"""`make bench-train`: our training step against TRL's and a plain padded loop, in CPU-seconds.

Each opponent (`train_contestants`) and our bare loop run in turn, five steps at a time. A figure is
the median over blocks of the ratio of CPU-seconds a step, with a bootstrap interval; spreads are
median (min, max).
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoTokenizer

from benchmarks.train_contestants import PROMPTS_PER_STEP
from benchmarks.train_problem import add_sources, pairs_file, problem, useful_operations
from benchmarks.turns import Blocks, cpu_seconds, in_turn, interval, ratios
from train.model.model_shape import count_parameters, model_configuration

OURS = "tree"
OPPONENTS = ("trl", "trl_precomputed", "padded", "trainer", "tree_with_reference")


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


def measure(
    opponent: str, model: Path, data: Path, responses: int, blocks: int, steps: int
) -> tuple[Blocks, Blocks]:
    """An opponent and our bare loop in turn; two at a time, because each holds gigabytes."""
    shared = ["--model", str(model), "--data", str(data), "--responses", str(responses)]
    sizes = [1, *[steps] * blocks]
    commands = {
        name: [
            *(sys.executable, "-m", "benchmarks.train_contestants", name, *shared),
            *("--blocks", *map(str, sizes)),
        ]
        for name in (opponent, OURS)
    }
    logs = Path(tempfile.mkdtemp(prefix="bench-train-"))
    found = in_turn(commands, blocks, logs, lambda line: print(line, file=sys.stderr, flush=True))
    return found[opponent], found[OURS]


def report(
    found: dict[str, tuple[Blocks, Blocks]], responses: int, useful: Sequence[float], rate: float
) -> str:
    """The figures as Markdown.

    Args:
        found: of each opponent, its blocks and ours beside them.
        responses: K.
        useful: useful operations a step, of each block.
        rate: operations a CPU-second of a large matrix product.
    """
    lines = [
        f"### K = {responses}, {len(useful)} blocks",
        "",
        "| | CPU-seconds a step | ours beside it | times ours (95 %) | peak memory, GB | ours |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_line(name, *pair) for name, pair in found.items()),
    ]
    shares = [
        statistics.median(
            work / (spent * rate) for work, spent in zip(useful, ours.cpu, strict=True)
        )
        for _, ours in found.values()
    ]
    if "trl" in found:
        theirs, ours = found["trl"]
        lines += ["", f"- Peak memory of ours over TRL's: {ours.peak / theirs.peak:.2f}."]
    product = f"a large fp32 matrix product ({rate / 1e9:.0f} billion a CPU-second)"
    work = f"{statistics.mean(useful) / 1e9:.0f} billion a step"
    share = f"{min(shares):.2f} to {max(shares):.2f}"
    lines.append(f"- Useful operations: {work}, done at {share} of the rate of {product}.")
    return "\n".join(lines)


def _line(name: str, theirs: Blocks, ours: Blocks) -> str:
    times = ratios(theirs, ours)
    low, high = interval(times)
    return (
        f"| {name} | {_spread(theirs)} | {_spread(ours)} | {statistics.median(times):.2f} "
        f"({low:.2f}, {high:.2f}) | {theirs.peak / 1e9:.2f} | {ours.peak / 1e9:.2f} |"
    )


def _spread(blocks: Blocks) -> str:
    cpu = blocks.cpu
    return f"{statistics.median(cpu):.2f} ({min(cpu):.2f}, {max(cpu):.2f})"


def useful_by_block(
    model: Path, data: Path, responses: int, blocks: int, steps: int
) -> list[float]:
    """Useful operations a step, mean of each counted block."""
    shape = count_parameters(model_configuration(model, {}), None)
    tokenizer = AutoTokenizer.from_pretrained(model)
    groups = problem(tokenizer, data, PROMPTS_PER_STEP * (1 + blocks * steps), responses)
    work = [useful_operations(shape, group) for group in groups[PROMPTS_PER_STEP:]]
    size = PROMPTS_PER_STEP * steps
    return [sum(work[start : start + size]) / steps for start in range(0, len(work), size)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_sources(parser)
    parser.add_argument("--responses", type=int, nargs="+", default=[4, 2])
    parser.add_argument("--against", nargs="+", choices=OPPONENTS, default=OPPONENTS)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--gemm", type=int, default=4096, help="side of the product's matrices")
    asked = parser.parse_args()
    data = pairs_file(asked)
    rate = gemm_rate(asked.gemm)
    for responses in asked.responses:
        size = (asked.model, data, responses, asked.blocks, asked.steps)
        useful = useful_by_block(*size)
        found = {name: measure(name, *size) for name in asked.against}
        print(report(found, responses, useful, rate) + "\n", flush=True)


if __name__ == "__main__":
    main()
