"""The engine that needs nothing beyond the core: PyTorch in this process, in batches.

Requests wait in a list. A task takes those of one adapter that are alike in length, generates in
a worker thread (the event loop stays free), and goes on with what arrived meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, Self

from eval_suites.requests import Likelihood, Request
from harness.engines import base
from harness.engines.base import CAPABILITIES, Completion, Engine, EngineGone, Usage
from harness.engines.options import EngineSpec, adapter_of, local_base, longest, read_options

if TYPE_CHECKING:
    from harness.engines.local_model import Generated, LocalModel, Pair, Row

#: Padded tokens of a batch, prompt and completion: bounds the memory of the cache.
_MOST_TOKENS = 2**16
#: Seconds in which everybody who is about to ask may do so before a batch is taken.
_GATHER_S = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One text to generate or one continuation to score, and who waits for it.

    `kind` is the model's function and the adapter, which the jobs of a batch share.
    """

    kind: tuple[Callable[[str | None, list[Any]], list[Any]], str | None]
    item: "Row | Pair"
    size: int
    answer: "asyncio.Future[Any]"


def pick(waiting: Sequence[_Job], most: int) -> list[_Job]:
    """Return the next batch: of the oldest job's kind, the longest and its like."""
    from harness.engines.local_model import shared_prefix

    group = [job for job in waiting if job.kind == waiting[0].kind]
    prompt = max((job.item.prompt for job in group), key=len)

    def alike(job: _Job) -> tuple[int, int]:
        """Return the steps of 64 tokens shared with the longest prompt, then the length."""
        return shared_prefix([job.item.prompt, prompt]) // 64, len(job.item.prompt)

    batch: list[_Job] = []
    for job in sorted(group, key=alike, reverse=True)[:most]:
        widest = max(other.size for other in [*batch, job])
        if batch and widest * (len(batch) + 1) > _MOST_TOKENS:
            break
        batch.append(job)
    return batch


class TransformersEngine(Engine):
    """Transformers and PEFT in this process; adapters stay unmerged beside one base.

    Greedy answers do not depend on who shares a batch but for ties in the last bits; sampled rows
    draw from generators of their own, so the same holds for them. Sample i of a request has the
    request's seed plus i. The version is that of transformers and torch.

    Options: `batch`, most rows at once (32).
    """

    name = "transformers"
    capabilities = CAPABILITIES - {"messages", "remote"}

    def __init__(self, spec: EngineSpec) -> None:
        super().__init__(spec)
        self.version = f"{metadata.version('transformers')}/torch-{metadata.version('torch')}"
        self._most = int(read_options(spec.settings, {"batch": 32})["batch"])
        self._longest = 0
        self._waiting: list[_Job] = []
        self._arrived = asyncio.Event()
        self._model: LocalModel | None = None
        self._server: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="transformers-engine")

    async def __aenter__(self) -> Self:
        """Load checkpoint and adapters.

        Raises:
            ModelError: a folder holds no checkpoint or no adapter.
        """
        folder, self._longest = local_base(self._spec), longest(self._spec)

        def load() -> "LocalModel":
            from harness.engines.local_model import LocalModel

            return LocalModel(folder, self._spec.adapters, self._spec.settings.dtype)

        self._model = await asyncio.get_running_loop().run_in_executor(self._thread, load)
        self._server = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop after the token that is being computed; who still waits gets `EngineGone`."""
        if self._model is not None:
            self._model.stop.set()
        if self._server is not None:
            self._server.cancel()
            await asyncio.wait([self._server])
        self._thread.shutdown(wait=True)
        for job in self._waiting:
            if not job.answer.done():
                job.answer.set_exception(EngineGone("the engine was stopped"))
        self._waiting, self._model, self._server = [], None, None

    async def _serve(self) -> None:
        while True:
            await self._arrived.wait()
            await asyncio.sleep(_GATHER_S)
            self._waiting = [job for job in self._waiting if not job.answer.done()]
            if self._waiting:
                await self._answer(pick(self._waiting, self._most))
            if not self._waiting:
                self._arrived.clear()

    async def _answer(self, jobs: list[_Job]) -> None:
        """Run one batch in the worker thread and hand out what it gave, an error too."""
        loop, (run, adapter), items = (
            asyncio.get_running_loop(),
            jobs[0].kind,
            [j.item for j in jobs],
        )
        try:
            results = await loop.run_in_executor(self._thread, run, adapter, items)
        except Exception as error:  # whatever it is belongs to those who wait
            results = [error] * len(jobs)
        self._waiting = [job for job in self._waiting if job not in jobs]
        for job, result in zip(jobs, results, strict=True):
            if job.answer.done():
                continue
            if isinstance(result, Exception):
                job.answer.set_exception(result)
            else:
                job.answer.set_result(result)

    def _running(self) -> "LocalModel":
        if self._model is None:
            raise EngineGone("the engine is not running: enter its context first")
        return self._model

    async def _ask(self, kind: tuple[Any, str | None], item: "Row | Pair", size: int) -> Any:
        job = _Job(kind, item, size, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._arrived.set()
        return await job.answer

    async def complete(self, request: Request) -> Completion:
        """Complete one rendered request.

        Raises:
            EngineGone: the engine does not run.
            ValueError: no such adapter, or no token ids.
        """
        from harness.engines.local_model import Row

        prompt, adapter = base.tokens_of(request), adapter_of(self._spec, request.model)
        room = self._longest - len(prompt)
        if room < 1:
            return base.no_text(request, "overflow", len(prompt))
        kind = self._running().generate, adapter
        decoding = replace(request.decoding, max_tokens=min(room, request.decoding.max_tokens))
        count = request.n if decoding.temperature > 0 else 1  # greedy samples are all the same
        seeds = [(request.seed + k) % 2**63 for k in range(count)]
        rows = [Row(prompt, decoding, request.top_logprobs, seed) for seed in seeds]
        size = len(prompt) + decoding.max_tokens
        made = await asyncio.gather(*(self._ask(kind, row, size) for row in rows))
        return _completion(made * (request.n // count), len(prompt))

    async def loglikelihood(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], model: str = ""
    ) -> Likelihood:
        """Return the log-probability of a continuation's tokens after a prefix's.

        Raises:
            EngineGone: the engine does not run.
            ValueError: no such adapter, an empty prefix, or more tokens than the model takes.
        """
        from harness.engines.local_model import Pair

        if not continuation:
            return Likelihood(0.0, greedy=True)
        size = len(prefix) + len(continuation)
        if not prefix or size > self._longest:
            raise ValueError(f"cannot score {size} tokens: 1 to {self._longest}, with a prefix")
        kind = self._running().score, adapter_of(self._spec, model)
        likelihood: Likelihood = await self._ask(kind, Pair(prefix, continuation), size)
        return likelihood


def _completion(made: Sequence["Generated"], prompt_tokens: int) -> Completion:
    tops = tuple(generated.logprobs for generated in made)
    return Completion(
        texts=tuple(generated.text for generated in made),
        finish_reasons=tuple(generated.reason for generated in made),
        token_ids=tuple(generated.token_ids for generated in made),
        logprobs=tops if any(tops) else (),
        usage=Usage(prompt_tokens, sum(len(generated.token_ids) for generated in made)),
    )
