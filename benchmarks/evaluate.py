"""`make bench-eval`: our evaluation beside vLLM's own `generate` on the same prompts.

The first prompts of three suites, greedy, at most so many tokens each. The contestants run in
turn, round after round, each in a fresh process with an engine of its own; a figure is the median
over rounds of a ratio, with the smallest and the largest. Where there are adapters, lm-eval
against a server for each of them is the third. `--settings` runs ours under several settings of
threads and libraries in place of that.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.eval_problem import make_adapters, make_job
from harness.engines.checkpoints import demo_model

Round = Mapping[str, Mapping[str, float]]
_LIBRARIES = {"tcmalloc": "libtcmalloc_minimal.so.4", "iomp": "libiomp5.so"}


def measure(names: Sequence[str], models: Mapping[str, str], asked: argparse.Namespace) -> Round:
    """One round: what each contestant reports."""
    found = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            job = make_job(
                dict(models), Path(folder), asked.data_dir.resolve(), asked.samples, asked.tokens
            )
            file = Path(folder) / "job.json"
            file.write_text(job.model_dump_json())
            found[name] = _run(name.partition("+")[0], file, _settings(name))
        print(f"  {name}: {_shown(found[name])}", file=sys.stderr, flush=True)
    return found


def _run(contestant: str, job: Path, settings: Mapping[str, str]) -> Mapping[str, float]:
    command = [sys.executable, "-m", "benchmarks.eval_contestants", contestant, str(job)]
    env = {**os.environ, **settings}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=env)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _settings(name: str) -> dict[str, str]:
    """Environment of a setting such as `ours+tcmalloc+iomp+cores2`; nothing for a plain name."""
    parts = name.split("+")[1:]
    found = {}
    if libraries := [_library(part) for part in parts if part in _LIBRARIES]:
        found["LD_PRELOAD"] = ":".join(libraries)
    for part in parts:
        if part.startswith("cores"):
            count = int(part.removeprefix("cores"))
            found["VLLM_CPU_OMP_THREADS_BIND"] = f"0-{count - 1}"
    return found


def _library(part: str) -> str:
    """Where a library lies; the loader's own name where it is in no usual place."""
    name = _LIBRARIES[part]
    places = (Path(sys.prefix) / "lib", Path("/usr/lib/x86_64-linux-gnu"))
    return next((str(place / name) for place in places if (place / name).is_file()), name)


def _shown(found: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {value:.2f}" for key, value in found.items())


def report(rounds: Sequence[Round]) -> str:
    """The figures as Markdown."""
    speeds = [_speed(one["ours"]) / _speed(one["bare"]) for one in rounds]
    tails = [one["ours"]["tail"] / one["ours"]["all"] for one in rounds]
    walls = [
        (one["ours"]["all"] - one["ours"]["start"]) / one["bare"]["generate"] for one in rounds
    ]
    starts = [one["ours"]["starts"] for one in rounds]
    return "\n".join(
        [
            "| figure | median (min, max) |",
            "| --- | --- |",
            f"| tokens a second, ours of bare | {_spread(speeds)} |",
            f"| all of ours without the start, of bare generation | {_spread(walls)} |",
            f"| from the last answer to the last score, share of all | {_spread(tails)} |",
            f"| engine starts | {max(starts):.0f} |",
            f"| tokens a second, bare | {_spread([_speed(one['bare']) for one in rounds], 1)} |",
            f"| start of ours, s | {_spread([one['ours']['start'] for one in rounds], 1)} |",
            f"| start of bare, s | {_spread([one['bare']['start'] for one in rounds], 1)} |",
            f"| end of ours, s | {_spread([one['ours']['stop'] for one in rounds], 1)} |",
            *_beside_lm_eval([one for one in rounds if "lm_eval" in one]),
        ]
    )


def _beside_lm_eval(rounds: Sequence[Round]) -> list[str]:
    """Ours of lm-eval's wall time, with the starts of engines and without, and its seconds."""
    if not rounds:
        return []
    pairs = [(one["ours"], one["lm_eval"]) for one in rounds]
    apart = [
        (our["all"] - our["start"]) / (their["generate"] + their["stop"]) for our, their in pairs
    ]
    figures = {
        "all of ours, of lm-eval's": _spread([our["all"] / their["all"] for our, their in pairs]),
        "the same without starts of engines": _spread(apart),
        "tokens generated, ours of lm-eval's": _spread(
            [our["tokens"] / their["tokens"] for our, their in pairs]
        ),
        "all of ours, s": _spread([our["all"] for our, _ in pairs], 1),
    }
    parts = {
        "all of lm-eval's, s": "all",
        "of it its servers' starts": "start",
        "of it its commands": "generate",
        "of these its evaluation": "asking",
        "of it its servers' ends": "stop",
    }
    figures |= {text: _spread([their[key] for _, their in pairs], 1) for text, key in parts.items()}
    return [f"| {text} | {value} |" for text, value in figures.items()]


def report_settings(rounds: Sequence[Round]) -> str:
    """Each setting's speed, of the first one's in the same round."""
    first, *_ = rounds[0]
    lines = [f"| setting | tokens a second | of {first} | start, s |", "| --- | --- | --- | --- |"]
    for name in rounds[0]:
        speeds = [_speed(one[name]) for one in rounds]
        shares = [_speed(one[name]) / _speed(one[first]) for one in rounds]
        starts = [one[name]["start"] for one in rounds]
        lines.append(
            f"| {name} | {_spread(speeds, 1)} | {_spread(shares)} | {_spread(starts, 1)} |"
        )
    return "\n".join(lines)


def _speed(found: Mapping[str, float]) -> float:
    return found["tokens"] / found["generate"]


def _spread(values: Sequence[float], digits: int = 3) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f}, {high:.{digits}f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--adapters", type=int, default=0, help="checkpoints; 0: the base alone")
    parser.add_argument("--samples", type=int, default=32, help="of each suite")
    parser.add_argument("--tokens", type=int, default=64, help="at most, of each answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--settings", nargs="+", help="such as ours ours+tcmalloc ours+cores2")
    asked = parser.parse_args()
    base = demo_model(Path("models"))
    with tempfile.TemporaryDirectory() as folder:
        adapters = make_adapters(base, asked.adapters, Path(folder))
        models = adapters or {"base": str(base)}
        rounds = []
        for turn in range(asked.rounds):
            print(f"round {turn + 1} of {asked.rounds}", file=sys.stderr, flush=True)
            served = ["lm_eval"] if adapters else []
            rounds.append(measure(asked.settings or ["ours", "bare", *served], models, asked))
    print(report_settings(rounds) if asked.settings else report(rounds))


if __name__ == "__main__":
    main()
