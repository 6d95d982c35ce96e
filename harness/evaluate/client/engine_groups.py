"""Models grouped by engine: a base and its adapters share one engine and its start."""

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
class EngineGroup:
    """Models that one engine serves; `spec` starts it.

    `merging` is an adapter that the engine cannot serve beside its base, with the reason: the
    group is that model alone, and the adapter is merged into `spec.base`.
    """

    spec: EngineSpec
    models: tuple[Model, ...]
    capabilities: frozenset[str]
    version: str
    templates: Mapping[str, str]
    merging: tuple[str, Path, str] | None = None

    @property
    def remote(self) -> bool:
        """True where somebody else serves the models."""
        return "remote" in self.capabilities

    @property
    def identity(self) -> dict[str, str]:
        """The engine's part of the journal's key."""
        settings = self.spec.settings
        identity = {"name": settings.name, "version": self.version, "dtype": settings.dtype}
        return {**identity, "base_url": settings.base_url} if settings.base_url else identity

    def make(self) -> Engine:
        """Return a new engine that is not started."""
        return make(self.spec)

    def protocol(self, model: Model) -> dict[str, str]:
        """Return the engine's settings that must agree between two checkpoints' scores."""
        return {
            "engine": f"{self.spec.settings.name} {self.version}",
            "dtype": self.spec.settings.dtype,
            "template": self.templates[model.name],
        }


def group_by_engine(
    models: Mapping[str, str], fingerprints: Mapping[str, str], choice: EngineChoice
) -> list[EngineGroup]:
    """Return models by the engine that can serve them together, in the order given.

    A base and its adapters share an engine; an adapter that it cannot serve has one of its own.

    Args:
        models: name -> checkpoint folder, or name at an endpoint.
        fingerprints: name -> fingerprint of the weights.
        choice: of the engine.

    Raises:
        EngineUnavailable: this machine lacks what the engine needs.
    """
    if choice.remote:
        return [_endpoint(models, fingerprints, choice)]
    engine, load, groups = make(EngineSpec(choice)), loader(), []
    for base, folders in _by_base(models).items():
        adapters = {name: Path(folder) for name, folder in folders.items() if folder != base}
        refused = {n: why for n, folder in adapters.items() if (why := engine.refusal(folder))}
        served = {name: folder for name, folder in folders.items() if name not in refused}
        if served:
            groups.append(_local(base, served, fingerprints, choice, load))
        for name, why in refused.items():
            merged = {name: f"{fingerprints[name]} merged"}  # other weights than served ones
            group = _local(base, {name: folders[name]}, merged, choice, load)
            groups.append(_to_be_merged(group, why))
    return groups


def base_first(models: Sequence[Model]) -> tuple[tuple[Model, ...], ...]:
    """Return the models of an engine in the order that they are asked: the base, then adapters.

    An engine that may not mix the two in a batch changes over once.
    """
    base = tuple(model for model in models if not model.served_as)
    adapters = tuple(model for model in models if model.served_as)
    return tuple(part for part in (base, adapters) if part)


def base_of(folder: str) -> str:
    """Return the full checkpoint whose engine serves a folder: itself, or its adapter's base."""
    base = under(Path(folder), MODELS)
    return folder if base is None else str(base)


def _by_base(models: Mapping[str, str]) -> dict[str, dict[str, str]]:
    by_base: dict[str, dict[str, str]] = {}
    for name, folder in models.items():
        by_base.setdefault(base_of(folder), {})[name] = folder
    return by_base


def _to_be_merged(group: EngineGroup, why: str) -> EngineGroup:
    """Return the group of one adapter as an engine of its own, into whose base it is merged."""
    ((name, folder),), (model,) = group.spec.adapters, group.models
    return replace(
        group,
        spec=replace(group.spec, adapters=()),
        models=(replace(model, served_as=""),),
        merging=(name, folder, why),
    )


def _local(
    base: str,
    folders: Mapping[str, str],
    fingerprints: Mapping[str, str],
    choice: EngineChoice,
    load: Load,
) -> EngineGroup:
    from train.model.adapters import tokenizer_folder

    adapters = tuple((name, Path(folder)) for name, folder in folders.items() if folder != base)
    spec = EngineSpec(choice, Path(base), adapters)
    engine, room = make(spec), longest(spec)
    tokenizers = {n: load(tokenizer_folder(Path(base), Path(f))) for n, f in folders.items()}
    renderers = _renderers(list(tokenizers.values())) if "tokens" in engine.capabilities else {}
    models = tuple(
        Model(
            name,
            fingerprints[name],
            renderers.get(tokenizer.signature, _unchanged),
            "" if folders[name] == base else name,
            room,
        )
        for name, tokenizer in tokenizers.items()
    )
    templates = {name: t.template or _NO_TEMPLATE for name, t in tokenizers.items()}
    return EngineGroup(spec, models, engine.capabilities, engine.version, templates)


def _renderers(tokenizers: Sequence[Tokenizer]) -> dict[str, Renderer]:
    """Return one renderer for all tokenizers that read alike, by signature."""
    alike = Counter(tokenizer.signature for tokenizer in tokenizers)
    return {t.signature: renderer(t.itself, alike[t.signature]) for t in tokenizers}


def _endpoint(
    models: Mapping[str, str], fingerprints: Mapping[str, str], choice: EngineChoice
) -> EngineGroup:
    spec = EngineSpec(choice, served=tuple(models.items()))
    engine = make(spec)
    served = tuple(Model(name, fingerprints[name], _unchanged, name) for name in models)
    templates = dict.fromkeys(models, "endpoint")
    return EngineGroup(spec, served, engine.capabilities, engine.version, templates)


def _unchanged(request: Request) -> Request:
    return request
