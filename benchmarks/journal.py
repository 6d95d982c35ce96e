"""`make bench-journal`: what the journal costs, and how long a finished run takes to replay.

Answers of 250 tokens are stored and found again, each in a transaction of its own; then an
evaluation (`arithmetic`, 200 samples with 50 repeats, the fake engine, a real tokenizer) is run
and run again, so that all its answers come from the journal.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.engines.options import EngineChoice
from harness.evaluate.client.job import EvalJob
from harness.evaluate.loop.loop import run
from harness.progress.events import silent
from harness.recipe.schema import DecodingChanges
from harness.storage.hashing import digest
from harness.storage.journal.entries import Journal

ANSWERS = 10_000
_WORDS = Path(__file__).read_text(encoding="utf-8").split()


def bodies(tokens: int) -> list[dict[str, object]]:
    """Answers of random words and token ids, as the journal stores them."""
    rng = random.Random(0)
    return [
        {
            "text": " ".join(rng.choices(_WORDS, k=3 * tokens // 4)),
            "finish_reason": "stop",
            "token_ids": [rng.randrange(49_000) for _ in range(tokens)],
            "tokens": tokens,
        }
        for _ in range(200)
    ]


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """CPU-seconds and seconds of some work."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - cpu, time.perf_counter() - began


def store(folder: Path) -> dict[str, tuple[float, float]]:
    """The cost of 10,000 puts and gets."""
    keys, answers = [digest(number) for number in range(ANSWERS)], bodies(250)
    path = folder / "store.sqlite"

    def put() -> None:
        with Journal(path) as journal:
            for number, key in enumerate(keys):
                journal.put(key, "answer", answers[number % len(answers)], "bench")

    def get() -> None:
        with Journal(path) as journal:
            for key in keys:
                journal.get(key)

    return {"put": clocked(put), "get": clocked(get)}


def replay(folder: Path, model: Path) -> dict[str, tuple[float, float]]:
    """The cost of an evaluation of 10,000 answers, and of the same one from the journal."""
    job = EvalJob(
        models={"m": str(model.resolve())},
        fingerprints={"m": "bench"},
        suites={"arithmetic": 200},
        repeats=ANSWERS // 200,
        decoding=DecodingChanges(temperature=0.8),
        engine=EngineChoice(name="fake"),
        run=folder / "run",
        journal=folder / "journal.sqlite",
    )
    return twice("arithmetic, 200 prompts × 50 repeats", job)


def replay_long(folder: Path, model: Path, data: Path) -> dict[str, tuple[float, float]]:
    """As `replay`, with the longest prompts there are: `bbh` (970 tokens) for four checkpoints."""
    names = [f"m{number}" for number in range(4)]
    job = EvalJob(
        models=dict.fromkeys(names, str(model.resolve())),
        fingerprints={name: name for name in names},
        suites={"bbh": 93},  # of each of 27 tasks: 2,511
        engine=EngineChoice(name="fake"),
        data_dir=data.resolve(),
        run=folder / "long",
        journal=folder / "long.sqlite",
    )
    return twice("bbh, 2,511 prompts × 4 checkpoints", job)


def twice(what: str, job: EvalJob) -> dict[str, tuple[float, float]]:
    """The cost of an evaluation, and of the same one from the journal."""
    run(
        job.model_copy(update={"suites": dict.fromkeys(job.suites, 1), "seed": 1}), silent
    )  # imports
    return {
        f"{what}: fake engine": clocked(lambda: run(job, silent)),
        f"{what}: all from the journal": clocked(lambda: run(job, silent)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/smollm2-135m-instruct"))
    parser.add_argument("--data-dir", type=Path, default=Path("../shared/data"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = store(Path(name)) | replay(Path(name), asked.model)
        if (asked.data_dir / "bbh").is_dir():
            found |= replay_long(Path(name), asked.model, asked.data_dir)
    print(f"| {ANSWERS:,} times | CPU-seconds | seconds |\n| --- | ---: | ---: |")
    for what, (cpu, seconds) in found.items():
        print(f"| {what} | {cpu:.2f} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
