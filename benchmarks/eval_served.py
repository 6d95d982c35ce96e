"""lm-evaluation-harness as a contestant of `bench-eval`: a vLLM server for each checkpoint.

Each server is started on the base with one adapter, with the engine's settings of the others,
answers lm-eval's `local-completions` over three tasks of the same rendered prompts, and is
stopped. All of a checkpoint's requests are in flight at once.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.eval_problem import Prompt, prompts
from harness.engines.vllm import preloading
from harness.evaluate.client.engine_groups import group_by_engine
from harness.evaluate.client.job import EvalJob

_RANK = 8
_START_S, _STOP_S = 600, 60
#: The first four as for `bare`; lm-eval needs nothing from the hub.
_ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_CPU_KVCACHE_SPACE": "2",
    "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
    "VLLM_HOST_IP": "127.0.0.1",
    "HF_HUB_OFFLINE": "1",
    "LMEVAL_LOG_LEVEL": "ERROR",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A vLLM server that answers, under the name of its adapter (or "base")."""

    name: str
    port: int

    def get(self, path: str) -> str | None:
        """A page of it; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as page:
                return str(page.read().decode())
        except OSError:
            return None

    def generated(self) -> float:
        """Tokens that it has generated since it started."""
        rows = re.findall(
            r"^vllm:generation_tokens_total\S* (\S+)$", self.get("/metrics") or "", re.MULTILINE
        )
        return sum(map(float, rows))


@contextmanager
def serving(job: EvalJob, base: Path, name: str, adapter: str, log: Path) -> Iterator[Server]:
    """A server for as long as the block lasts; it answers when the block begins.

    Raises:
        RuntimeError: it did not start; the log says why.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = Server(name if adapter else "base", free.getsockname()[1])
    module = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(base)]
    shape = ["--dtype", "float32", "--max-model-len", str(job.engine.max_model_len)]
    where = ["--host", "127.0.0.1", "--port", str(server.port), "--served-model-name", "base"]
    lora = ["--enable-lora", "--max-lora-rank", str(_RANK), "--max-loras", "1"]
    line = [*module, *shape, *where, "--enforce-eager", "--seed", "0"]
    line += [*lora, "--lora-modules", f"{name}={adapter}"] if adapter else []
    with log.open("w") as out, preloading():
        process = subprocess.Popen(line, stdout=out, stderr=out, env={**_ENVIRONMENT, **os.environ})
    try:
        ends = time.monotonic() + _START_S
        while server.get("/health") is None:
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=_STOP_S)


def write_tasks(asked: Sequence[Prompt], suites: Sequence[str], texts: Any, folder: Path) -> None:
    """A task of lm-eval for each suite: its rendered prompts, stops and most tokens.

    Args:
        asked: the prompts of one checkpoint, suite after suite, equally many of each.
        suites: their names.
        texts: a tokenizer.
        folder: takes the files.

    Raises:
        RuntimeError: a prompt's text is not encoded to the ids that the others are given.
    """
    size = len(asked) // len(suites)
    for number, suite in enumerate(suites):
        part = asked[number * size : (number + 1) * size]
        rows = [{"prompt": texts.decode(one.token_ids), "target": "-"} for one in part]
        for row, one in zip(rows, part, strict=True):
            if tuple(texts.encode(row["prompt"], add_special_tokens=False)) != one.token_ids:
                raise RuntimeError(f"{suite}: a prompt is other tokens as text")
        data = folder / f"{suite}.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        (folder / f"{suite}.yaml").write_text(
            yaml.safe_dump(_task(f"bench_{suite}", data, part[0]))
        )


def _task(name: str, data: Path, one: Prompt) -> Mapping[str, Any]:
    return {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}, "cache_dir": str(data.parent)},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "target",
        "generation_kwargs": {
            "until": list(one.stop),
            "max_gen_toks": one.max_tokens,
            "temperature": 0.0,
            "do_sample": False,
        },
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }


def _lm_eval(server: Server, base: Path, suites: Sequence[str], count: int, folder: Path) -> None:
    """Run lm-eval's own command against a server.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    model = {
        "model": server.name,
        "base_url": f"http://127.0.0.1:{server.port}/v1/completions",
        "tokenizer": str(base),
        "tokenizer_backend": "huggingface",
        "num_concurrent": str(count),
    }
    line = [sys.executable, "-m", "lm_eval", "run", "--model", "local-completions"]
    line += ["--model_args", ",".join(f"{key}={value}" for key, value in model.items())]
    line += ["--tasks", ",".join(f"bench_{suite}" for suite in suites)]
    line += ["--include_path", str(folder), "--output_path", str(folder / "out")]
    env = {**_ENVIRONMENT, **os.environ}
    subprocess.run(line, check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def lm_eval(job: EvalJob) -> dict[str, float]:
    """Seconds: starts of all servers, lm-eval's commands, ends of servers, and all.

    Of the commands, `asking` is what lm-eval itself counts as its evaluation; the rest is its own
    start (libraries, its index of tasks).
    """
    from transformers import AutoTokenizer

    (group,) = group_by_engine(job.models, job.fingerprints, job.engine)
    base, folders = group.spec.base or Path(), dict(group.spec.adapters)
    tokenizer = AutoTokenizer.from_pretrained(base)
    asked = list(prompts(job))
    spent = dict.fromkeys(("start", "generate", "asking", "stop", "tokens"), 0.0)
    with tempfile.TemporaryDirectory() as scratch:
        for model in group.models:
            own = [one for one in asked if one.adapter == model.served_as]
            folder = Path(scratch) / model.name
            folder.mkdir()
            write_tasks(own, list(job.suites), tokenizer, folder)
            adapter = str(folders.get(model.name, ""))
            for key, value in _one(job, base, model.name, adapter, len(own), folder).items():
                spent[key] += value
    timed = spent["start"] + spent["generate"] + spent["stop"]
    return {**spent, "all": timed, "starts": len(group.models)}


def _one(
    job: EvalJob, base: Path, name: str, adapter: str, count: int, folder: Path
) -> dict[str, float]:
    """The same for one checkpoint."""
    began = time.perf_counter()
    with serving(job, base, name, adapter, folder / "server.log") as server:
        ready = time.perf_counter()
        _lm_eval(server, base, list(job.suites), count, folder)
        done = time.perf_counter()
        tokens = server.generated()
        counted = time.perf_counter()
    ended = time.perf_counter()
    (result,) = folder.glob("out/**/results_*.json")
    asking = float(json.loads(result.read_text())["total_evaluation_time_seconds"])
    return {
        "start": ready - began,
        "generate": done - ready,
        "asking": asking,
        "stop": ended - counted,
        "tokens": tokens,
    }
