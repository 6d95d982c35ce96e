"""Which models share an engine: a base and its adapters are one group, one engine start."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval_suites.requests import Request
from harness.engines.base import Engine
from harness.engines.checkpoints import MODELS, under
from harness.engines.options import EngineChoice, EngineSpec, longest
from harness.engines.registry import make
from harness.evaluate.client.cached_client import Model, Renderer
from harness.evaluate.client.rendering import Tokenizer, loader, renderer
from harness.storage.hashing import digest

Load = Callable[[Path], Tokenizer]
_NO_TEMPLATE = digest("", 16)


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
    engine, load, found = make(spec_of(choice)), loader(), []
    for base, names in _by_base(models).items():
        folders = {name: models[name] for name in names}
        adapters = {name: Path(folder) for name, folder in folders.items() if folder != base}
        refused = {n: why for n, folder in adapters.items() if (why := engine.refusal(folder))}
        served = {name: folder for name, folder in folders.items() if name not in refused}
        if served:
            found.append(_local(base, served, fingerprints, choice, load))
        for name, why in refused.items():
            found.append(_apart(base, name, folders[name], why, fingerprints, choice, load))
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
    load: Load,
) -> Group:
    """A merged adapter: the base of an engine of its own, other weights than served ones."""
    known = {name: f"{fingerprints[name]} merged"}
    group = _local(base, {name: folder}, known, choice, load)
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
    base: str,
    folders: Mapping[str, str],
    fingerprints: Mapping[str, str],
    choice: EngineChoice,
    load: Load,
) -> Group:
    adapters = tuple((name, Path(f)) for name, f in folders.items() if base_of(f) != f)
    spec = replace(spec_of(choice), base=Path(base), adapters=adapters)
    engine = make(spec)
    tokenizers = {name: load(_tokenizer_home(f, base)) for name, f in folders.items()}
    renderers = _renderers(list(tokenizers.values())) if "tokens" in engine.capabilities else {}
    served, room = {name for name, _ in adapters}, longest(spec)
    models = tuple(
        Model(
            name,
            fingerprints[name],
            renderers.get(tokenizer.signature, _as_it_is),
            name if name in served else "",
            room,
        )
        for name, tokenizer in tokenizers.items()
    )
    templates = {name: one.template or _NO_TEMPLATE for name, one in tokenizers.items()}
    return Group(spec, models, engine.capabilities, engine.version, templates)


def _tokenizer_home(folder: str, base: str) -> Path:
    """Whose tokenizer a checkpoint is read with: its own, or its base's where it has none."""
    from train.model.adapters import tokenizer_folder

    return tokenizer_folder(Path(base), Path(folder))


def _renderers(tokenizers: Sequence[Tokenizer]) -> dict[str, Renderer]:
    """One for all that read alike, by signature."""
    alike = Counter(one.signature for one in tokenizers)
    return {one.signature: renderer(one.itself, alike[one.signature]) for one in tokenizers}


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


def _as_it_is(request: Request) -> Request:
    return request
