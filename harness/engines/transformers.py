"""The engine that needs nothing beyond the core: PyTorch in this process, in batches.

Requests wait in a list. A task takes those of one adapter that are alike in length, generates in
a worker thread (the event loop stays free), and goes on with what arrived meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Self

from eval_suites.requests import Likelihood, Request
from harness.engines.base import CAPABILITIES, EngineGone, Generated, LocalEngine
from harness.engines.options import EngineSpec, local_base, longest, read_options

if TYPE_CHECKING:
    from harness.engines.local_model import LocalModel, Pair, Row

#: Padded tokens of a batch, prompt and completion: bounds the memory of the cache.
_MOST_TOKENS = 2**16
#: Seconds in which everybody who is about to ask may do so before a batch is taken.
_GATHER_S = 0.005
#: The function of a `LocalModel` and the adapter, which the jobs of a batch share.
Kind = tuple[Callable[..., list[Any]], str | None]


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One text to generate or one continuation to score, and who waits for it."""

    kind: Kind
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


class TransformersEngine(LocalEngine):
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
        self._waiting: list[_Job] = []
        self._arrived = asyncio.Event()
        self._model: LocalModel | None = None
        self._server: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="transformers-engine")

    async def __aenter__(self) -> Self:
        """Load checkpoint and adapters; raise ModelError where a folder holds none."""
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
        loop, (run, adapter) = asyncio.get_running_loop(), jobs[0].kind
        items = [job.item for job in jobs]
        try:
            results = await loop.run_in_executor(self._thread, run, self._model, adapter, items)
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

    async def _ask(self, kind: Kind, item: "Row | Pair", size: int) -> Any:
        if self._model is None:
            raise EngineGone("the engine is not running: enter its context first")
        job = _Job(kind, item, size, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._arrived.set()
        return await job.answer

    async def _generate(
        self, request: Request, prompt: tuple[int, ...], adapter: str | None
    ) -> list[Generated]:
        from harness.engines.local_model import LocalModel, Row

        decoding = request.decoding
        count = request.n if decoding.temperature > 0 else 1
        seeds = [(request.seed + k) % 2**63 for k in range(count)]
        rows = [Row(prompt, decoding, request.top_logprobs, seed) for seed in seeds]
        size = len(prompt) + decoding.max_tokens
        kind = LocalModel.generate, adapter
        return list(await asyncio.gather(*(self._ask(kind, row, size) for row in rows)))

    async def _score(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], adapter: str | None
    ) -> Likelihood:
        from harness.engines.local_model import LocalModel, Pair

        pair, size = Pair(prefix, continuation), len(prefix) + len(continuation)
        likelihood: Likelihood = await self._ask((LocalModel.score, adapter), pair, size)
        return likelihood
