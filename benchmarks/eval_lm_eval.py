"""lm-evaluation-harness on the prompts of `bench-eval`: a vLLM server started for each checkpoint.

Its tasks are made here from our own rendered prompts: three local files, greedy, the same length.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.eval_problem import Prompt

_PATIENCE_S = 600.0
_TASK = """task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: "{file}"}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: ""
generation_kwargs: {{until: ["<|im_end|>"], do_sample: false, max_gen_toks: {tokens}}}
metric_list: [{{metric: exact_match}}]
"""


def lm_eval(
    base: Path, adapters: Mapping[str, str], suites: Mapping[str, Sequence[Prompt]], folder: Path
) -> dict[str, float]:
    """Seconds: all servers' starts, everything else, both.

    Args:
        base: checkpoint folder.
        adapters: name -> folder; none: the base alone.
        suites: name -> its prompts, of one checkpoint.
        folder: for tasks and logs.

    Raises:
        RuntimeError: a server did not start.
        subprocess.CalledProcessError: lm-eval failed; its log is in the folder.
    """
    _write_tasks(base, suites, folder)
    starts = asked = 0.0
    for name, adapter in adapters.items() or {"base": ""}.items():
        began = time.perf_counter()
        with _server(base, name, adapter, folder) as port:
            ready = time.perf_counter()
            _evaluate(base, name, port, tuple(suites), folder)
            asked += time.perf_counter() - ready
        starts += ready - began
    return {"start": starts, "generate": asked, "all": starts + asked}


def _write_tasks(base: Path, suites: Mapping[str, Sequence[Prompt]], folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    for name, prompts in suites.items():
        file = folder / f"{name}.jsonl"
        rows = ({"prompt": tokenizer.decode(list(one.token_ids))} for one in prompts)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        task = _TASK.format(name=f"bench_{name}", file=file, tokens=prompts[0].max_tokens)
        (folder / f"{name}.yaml").write_text(task, encoding="utf-8")


@contextmanager
def _server(base: Path, name: str, adapter: str, folder: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(base)),
        *("--dtype", "float32", "--max-model-len", "2048", "--enforce-eager"),
        *("--host", "127.0.0.1", "--port", str(port), "--served-model-name", "base"),
        *(("--enable-lora", "--lora-modules", f"{name}={adapter}") if adapter else ()),
    ]
    env = {**os.environ, "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "2"}
    with (folder / f"server-{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
        try:
            _wait(process, port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"no vLLM server on port {port}: see its log")


def _evaluate(base: Path, name: str, port: int, suites: Sequence[str], folder: Path) -> None:
    model = (
        f"base_url=http://127.0.0.1:{port}/v1/completions,model={name},tokenizer={base},"
        "num_concurrent=64,tokenized_requests=False,max_length=2048"
    )
    command = [
        *(sys.executable, "-m", "lm_eval", "--model", "local-completions", "--model_args", model),
        *("--tasks", ",".join(f"bench_{suite}" for suite in suites)),
        *("--include_path", str(folder), "--batch_size", "1"),
    ]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
    with (folder / f"lm-eval-{name}.log").open("wb") as log:
        subprocess.run(command, stdout=log, stderr=log, check=True, env=env)
