"""Any OpenAI-compatible endpoint, for models that somebody else serves and for judges.

Chat messages go as they are: the server renders them. Client retries are off; `retry.py` is the
only layer that asks again.
"""

import asyncio
import os
import random
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from eval_suites.requests import FinishReason, Request
from harness.engines.base import Completion, Engine, EngineGone, RequestFailed, Tops, Usage, no_text
from harness.engines.options import EngineSpec, read_options
from harness.engines.retry import NoText, Patience, ask_again
from harness.errors import EngineUnavailable

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion
    from openai.types.chat.chat_completion import Choice

_REASONS: dict[str, FinishReason] = {"length": "length", "content_filter": "filtered"}


class OpenAIEngine(Engine):
    """An endpoint that speaks OpenAI's chat protocol; its address ends in /v1.

    The key is OPENAI_API_KEY, or "none" for servers that want none. `spec.served` says under
    which name the endpoint knows each model; without it the only model of the endpoint answers.
    The version is owner and name of what it says it serves, "unknown" before it is asked.

    Options: `deadline_s` for a request with all its tries (600), `down_s` without any
    answer until the endpoint counts as gone (15), `backoff_s` before the second try (0.5),
    `timeout_s` of one try (300).
    """

    name = "openai"
    capabilities = frozenset({"messages", "logprobs", "many", "sampling", "remote"})
    version = "unknown"

    def __init__(self, spec: EngineSpec) -> None:
        super().__init__(spec)
        options = read_options(spec.settings, {**asdict(Patience()), "timeout_s": 300.0})
        self._timeout_s = options.pop("timeout_s")
        self._patience = Patience(**options)
        self._where = spec.settings.base_url or "https://api.openai.com/v1"
        self._served = dict(spec.served)
        self._slots = asyncio.Semaphore(spec.settings.in_flight)
        self._client: AsyncOpenAI | None = None
        self._pending: set[asyncio.Task[Completion]] = set()

    async def __aenter__(self) -> Self:
        """Ask the endpoint what it serves.

        Raises EngineUnavailable where nobody answers, or the key is refused.
        """
        from openai import AsyncOpenAI

        self._client = AsyncOpenAI(
            base_url=self._where,
            api_key=os.environ.get("OPENAI_API_KEY") or "none",
            max_retries=0,
            timeout=self._timeout_s,
        )
        try:
            await self._ask_models(self._client)
        except BaseException:
            await self._client.close()
            raise
        return self

    async def _ask_models(self, client: "AsyncOpenAI") -> None:
        brief = Patience(min(30.0, self._patience.deadline_s), 0.0, self._patience.backoff_s)
        try:
            models = await ask_again(partial(_models, client), self._where, brief, random.Random(0))
        except (EngineGone, RequestFailed) as error:
            raise EngineUnavailable(
                f"{error}: start the server, or correct the address, which ends in /v1 "
                "(--base-url, --judge-url)"
            ) from error
        if not self._served and len(models) == 1:
            self._served = {"": models[0].id}
        used = [model for model in models if model.id in self._served.values()]
        names = (f"{m.owned_by or 'unknown'}:{getattr(m, 'root', None) or m.id}" for m in used)
        self.version = ",".join(sorted(names)) or "unknown"

    async def __aexit__(self, *_error: object) -> None:
        """Close the connections; pending requests end with `EngineGone` before that."""
        client, self._client = self._client, None
        for request in self._pending:
            request.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)
        if client is not None:
            await client.close()

    def _model(self, name: str) -> str:
        """Return the endpoint's name for a model; raise ValueError where none is stated."""
        for alias in (name, *(("", "base") if name in {"", "base"} else ())):
            if alias in self._served:
                return self._served[alias]
        served = ", ".join(self._served) or "nothing"
        raise ValueError(f"engine openai: model {name!r} is not served: it serves {served}")

    async def complete(self, request: Request) -> Completion:
        """Complete one request of chat messages.

        Raises:
            EngineGone: nobody answers any more, or the engine was closed meanwhile.
            EngineUnavailable: key, quota or model name are refused.
            RequestFailed: the endpoint cannot answer this one.
            ValueError: no such model, or a request that is not messages alone.
        """
        if self._client is None:
            raise EngineGone("the engine is not running: enter its context first")
        if not request.messages or request.prefix:
            raise ValueError("engine openai takes chat messages alone, no text and no prefix")
        parameters = self._parameters(request)
        pending = asyncio.create_task(self._answer(request, self._client, parameters))
        self._pending.add(pending)
        pending.add_done_callback(self._pending.discard)
        try:
            return await pending
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is None or caller.cancelling():
                raise
            raise EngineGone("the engine was closed") from None

    async def _answer(
        self, request: Request, client: "AsyncOpenAI", parameters: dict[str, Any]
    ) -> Completion:
        call, rng = partial(_complete, client, parameters), random.Random(repr(request))
        async with self._slots:
            try:
                answer = await ask_again(call, self._where, self._patience, rng)
            except NoText as error:
                return no_text(request, error.reason)
        return _completion(request, answer)

    def _parameters(self, request: Request) -> dict[str, Any]:
        """Return the request in the endpoint's words; a greedy one is asked once for any n."""
        how = request.decoding
        official = "api.openai.com" in self._where
        parameters: dict[str, Any] = {
            "model": self._model(request.model),
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "temperature": how.temperature,
            "max_completion_tokens" if official else "max_tokens": how.max_tokens,
        }
        if how.temperature > 0:
            parameters.update(top_p=how.top_p, n=request.n, seed=request.seed % 2**63)
        if how.stop:
            parameters["stop"] = list(how.stop)
        if request.top_logprobs:
            parameters.update(logprobs=True, top_logprobs=request.top_logprobs)
        return parameters


async def _models(client: "AsyncOpenAI") -> list[Any]:
    from openai import NotFoundError

    try:
        return list((await client.models.list()).data or [])
    except NotFoundError:  # not every server lists its models
        return []


async def _complete(client: "AsyncOpenAI", parameters: dict[str, Any]) -> "ChatCompletion":
    """Try once; an answer without the texts asked for is an error."""
    answer: ChatCompletion = await client.chat.completions.create(**parameters)
    count, choices = parameters.get("n", 1), getattr(answer, "choices", None) or []
    if len(choices) != count or any(choice.message is None for choice in choices):
        raise ValueError(f"{len(choices)} of {count} texts in the answer: {str(answer)[:200]!r}")
    return answer


def _tops(choice: "Choice") -> tuple[Tops, ...]:
    places = (choice.logprobs.content if choice.logprobs else None) or []
    return tuple(tuple((top.token, top.logprob) for top in place.top_logprobs) for place in places)


def _completion(request: Request, answer: "ChatCompletion") -> Completion:
    choices = sorted(answer.choices, key=lambda choice: choice.index)
    choices *= request.n // len(choices)
    usage = answer.usage
    return Completion(
        texts=tuple(choice.message.content or "" for choice in choices),
        finish_reasons=tuple(_REASONS.get(choice.finish_reason, "stop") for choice in choices),
        logprobs=tuple(map(_tops, choices)) if request.top_logprobs else (),
        usage=Usage(usage.prompt_tokens, usage.completion_tokens) if usage else Usage(),
        served=answer.model or "",
    )
