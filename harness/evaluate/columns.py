"""Which models share an engine: a base and its adapters are one group, one engine start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from eval_suites.suite import Request
from harness.engines import Engine, EngineSpec, make
from harness.engines.base import longest
from harness.evaluate.asking import Model
from harness.models import MODELS, under
from harness.recipe import EngineChoice
from harness.runs import digest


@dataclass(frozen=True, slots=True)
class Group:
    """Models that one engine serves; `spec` starts it.

    `merging` is an adapter that the engine cannot serve beside its base, with the reason: the
    group is that model alone, and `spec.base` is what it is merged into.
    """

    spec: EngineSpec
    models: tuple[Model, ...]
    capabilities: frozenset[str]
    version: str
    templates: Mapping[str, str]
    merging: tuple[str, Path, str] | None = None

    @property
    def engine_name(self) -> str:
        """The engine's name."""
        return self.spec.name

    @property
    def width(self) -> int:
        """Requests in flight at once."""
        return self.spec.concurrency

    @property
    def longest(self) -> int:
        """Tokens that every engine of these models takes to score (vLLM adds one of its own)."""
        return (self.spec.max_model_len if self.spec.base is None else longest(self.spec)) - 1

    @property
    def identity(self) -> dict[str, str]:
        """The engine's part of the journal's key."""
        known = {"name": self.spec.name, "version": self.version, "dtype": self.spec.dtype}
        return {**known, "base_url": self.spec.base_url} if self.spec.base_url else known

    def make(self) -> Engine:
        """A fresh engine, not started."""
        return make(self.spec)

    def protocol(self, model: Model) -> dict[str, str]:
        """The engine's part of what must agree between two columns."""
        return {
            "engine": f"{self.spec.name} {self.version}",
            "dtype": self.spec.dtype,
            "template": self.templates[model.name],
        }


def groups(
    models: Mapping[str, str], fingerprints: Mapping[str, str], choice: EngineChoice
) -> list[Group]:
    """Models by the engine that can serve them together, in the order given.

    A base and its adapters share an engine; an adapter that it cannot serve has one of its own.

    Raises:
        EngineUnavailable: this machine lacks what the engine needs.
    """
    if choice.remote:
        return [_endpoint(models, fingerprints, choice)]
    engine, found = make(spec_of(choice)), []
    for base, names in _by_base(models).items():
        folders = {name: models[name] for name in names}
        adapters = {name: Path(folder) for name, folder in folders.items() if folder != base}
        refused = {n: why for n, folder in adapters.items() if (why := engine.refusal(folder))}
        served = {name: folder for name, folder in folders.items() if name not in refused}
        if served:
            found.append(_local(base, served, fingerprints, choice))
        for name, why in refused.items():
            found.append(_apart(base, name, folders[name], why, fingerprints, choice))
    return found


def base_first(models: Sequence[Model]) -> tuple[tuple[Model, ...], ...]:
    """Models of an engine in the order that they are asked: the base, then its adapters.

    An engine that may not mix the two in a batch changes over once.
    """
    plain = tuple(model for model in models if not model.served_as)
    adapted = tuple(model for model in models if model.served_as)
    return tuple(part for part in (plain, adapted) if part)


def _by_base(models: Mapping[str, str]) -> dict[str, list[str]]:
    shared: dict[str, list[str]] = {}
    for name, folder in models.items():
        shared.setdefault(base_of(folder), []).append(name)
    return shared


def _apart(
    base: str,
    name: str,
    folder: str,
    why: str,
    fingerprints: Mapping[str, str],
    choice: EngineChoice,
) -> Group:
    """A merged adapter: the base of an engine of its own, other weights than served ones."""
    known = {name: f"{fingerprints[name]} merged"}
    group = _local(base, {name: folder}, known, choice)
    (model,) = group.models
    return replace(
        group,
        spec=replace(group.spec, adapters=()),
        models=(replace(model, served_as=""),),
        merging=(name, Path(folder), why),
    )


def base_of(folder: str) -> str:
    """The full checkpoint whose engine serves a folder: the folder itself, or its adapter's."""
    base = under(Path(folder), MODELS)
    return folder if base is None else str(base)


def _local(
    base: str, folders: Mapping[str, str], fingerprints: Mapping[str, str], choice: EngineChoice
) -> Group:
    adapters = tuple((name, Path(f)) for name, f in folders.items() if base_of(f) != f)
    spec = replace(spec_of(choice), base=Path(base), adapters=adapters)
    engine = make(spec)
    takes_ids = "tokens" in engine.capabilities
    tokenizers = {name: tokenizer_of(folder, base) for name, folder in folders.items()}
    served = {name for name, _ in adapters}
    models = tuple(
        Model(
            name,
            fingerprints[name],
            partial(rendered, tokenizer) if takes_ids else _as_it_is,
            name if name in served else "",
        )
        for name, tokenizer in tokenizers.items()
    )
    templates = {
        name: digest(getattr(tokenizer, "chat_template", None) or "", 16)
        for name, tokenizer in tokenizers.items()
    }
    return Group(spec, models, engine.capabilities, engine.version, templates)


def _endpoint(
    models: Mapping[str, str], fingerprints: Mapping[str, str], choice: EngineChoice
) -> Group:
    spec = replace(spec_of(choice), served=tuple(models.items()))
    engine = make(spec)
    columns = tuple(Model(name, fingerprints[name], _as_it_is, name) for name in models)
    return Group(
        spec, columns, engine.capabilities, engine.version, dict.fromkeys(models, "endpoint")
    )


def spec_of(choice: EngineChoice) -> EngineSpec:
    """What the engine is started with, without the models that it serves."""
    return EngineSpec(
        name=choice.name,
        dtype=choice.dtype,
        base_url=choice.base_url,
        concurrency=choice.in_flight,
        max_model_len=choice.max_model_len,
        options=tuple(sorted(choice.options.items())),
    )


def tokenizer_of(folder: str, base: str) -> Any:
    """A checkpoint's own tokenizer and chat template; an adapter without one has its base's.

    Raises:
        train.TrainError: there is none.
    """
    from train.adapters import tokenizer_home
    from train.model import load_tokenizer

    return load_tokenizer(tokenizer_home(Path(base), Path(folder)))


def rendered(tokenizer: Any, request: Request) -> Request:
    """A request with the token ids that a checkpoint of this tokenizer is shown.

    Raises:
        train.TrainError: the tokenizer has no chat template, or it refuses the messages.
    """
    from train import chat

    if request.continuation:
        before, after = chat.continuation_ids(tokenizer, request.text, request.continuation)
        return replace(request, token_ids=tuple(before), continuation_ids=tuple(after))
    if request.text is not None:
        return replace(request, token_ids=tuple(chat.render_text(tokenizer, request.text)))
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    return replace(
        request, token_ids=tuple(chat.render(tokenizer, messages, prefix=request.prefix))
    )


def _as_it_is(request: Request) -> Request:
    return request
