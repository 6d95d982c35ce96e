"""Who answers the prompts of `bench-eval`, each in a process of its own.

`ours` is the evaluation stage itself, with a clock at its engine. `bare` is vLLM's own `LLM` with
the same settings: all requests in one call of `generate`, nothing journalled, nothing scored.
`lm_eval` is lm-evaluation-harness against a server for each checkpoint (`eval_served.py`).
"""

import argparse
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from benchmarks.eval_problem import prompts
from benchmarks.eval_served import lm_eval
from eval_suites.requests import Request
from harness.engines.base import Completion
from harness.engines.registry import ENGINES
from harness.engines.vllm import VllmEngine, preloading
from harness.evaluate.client.answers import Spool
from harness.evaluate.client.engine_groups import group_by_engine
from harness.evaluate.client.job import EvalJob
from harness.progress.events import silent

#: As ours: quiet, so much memory for keys and values, a thread on every core.
_ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_CPU_KVCACHE_SPACE": "2",
    "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
}


class Timed(VllmEngine):
    """vLLM as we use it, and when it was ready, last gave something, and how much it gave."""

    started = ready = last = 0.0
    starts = tokens = 0

    async def __aenter__(self) -> Self:
        """Start, and note how long that took."""
        Timed.started = time.perf_counter()
        await super().__aenter__()
        Timed.ready = time.perf_counter()
        Timed.starts += 1
        return self

    async def complete(self, request: Request) -> Completion:
        """Complete, and note when."""
        completion = await super().complete(request)
        Timed.last = time.perf_counter()
        Timed.tokens += completion.usage.completion_tokens
        return completion


def ours(job: EvalJob) -> dict[str, float]:
    """Seconds: the engine's start, generation, from the last answer to the last score, all.

    `stop` is what follows: the engine's end, and logs.
    """
    from harness.evaluate.loop.loop import run

    ENGINES["vllm"] = Timed
    scored = 0.0
    put_aside = Spool.add

    def timed(spool: Spool, model: str, suite: str, line: Mapping[str, Any]) -> None:
        nonlocal scored
        put_aside(spool, model, suite, line)
        scored = time.perf_counter()

    Spool.add = timed  # type: ignore[method-assign] # a clock at the end of scoring
    began = time.perf_counter()
    run(job, silent)
    ended = time.perf_counter()
    return {
        "start": Timed.ready - Timed.started,
        "generate": Timed.last - Timed.ready,
        "tail": scored - Timed.last,
        "stop": ended - scored,
        "all": ended - began,
        "tokens": Timed.tokens,
        "starts": Timed.starts,
    }


def bare(job: EvalJob) -> dict[str, float]:
    """Seconds: the engine's start, generation, both; the engine is configured as ours is."""
    asked = list(prompts(job))
    (group,) = group_by_engine(job.models, job.fingerprints, job.engine)
    for key, value in _ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    from vllm import LLM, SamplingParams
    from vllm.lora.request import LoRARequest

    adapters = group.spec.adapters
    began = time.perf_counter()
    with preloading():
        llm = LLM(
            model=str(group.spec.base),
            dtype="float32",
            max_model_len=job.engine.max_model_len,
            enforce_eager=True,
            enable_lora=bool(adapters),
            max_loras=max(1, len(adapters)),
            max_lora_rank=8,
            seed=0,
        )
    ready = time.perf_counter()
    loras = {
        name: LoRARequest(name, k, str(folder)) for k, (name, folder) in enumerate(adapters, 1)
    }
    hows = [
        SamplingParams(temperature=0.0, max_tokens=one.max_tokens, stop=list(one.stop))
        for one in asked
    ]
    outputs: Any = llm.generate(
        [{"prompt_token_ids": list(one.token_ids)} for one in asked],
        hows,
        use_tqdm=False,
        lora_request=[loras[one.adapter] if one.adapter else None for one in asked],
    )
    ended = time.perf_counter()
    tokens = sum(len(text.token_ids) for output in outputs for text in output.outputs)
    return {
        "start": ready - began,
        "generate": ended - ready,
        "all": ended - began,
        "tokens": tokens,
        "starts": 1,
    }


CONTESTANTS = {"ours": ours, "bare": bare, "lm_eval": lm_eval}


def main() -> None:
    """Answer, and print the seconds as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(CONTESTANTS))
    parser.add_argument("job", type=Path)
    asked = parser.parse_args()
    job = EvalJob.model_validate_json(asked.job.read_bytes())
    print(json.dumps(CONTESTANTS[asked.name](job)), flush=True)


if __name__ == "__main__":
    main()
