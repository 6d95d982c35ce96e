"""Models grouped by engine: a base and its adapters share one engine and its start."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from eval_suites.requests import Request
from harness.engines.checkpoints import MODELS, under
from harness.engines.options import EngineChoice, EngineSpec, longest
from harness.engines.registry import capabilities_of, make
from harness.evaluate.client.cached_client import Model, Renderer
from harness.evaluate.client.rendering import Remembered, Tokenizer, loader, rendered
from harness.storage.hashing import digest

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
    def identity(self) -> dict[str, str]:
        """The engine's part of the journal's key."""
        settings = self.spec.settings
        identity = {"name": settings.name, "version": self.version, "dtype": settings.dtype}
        return {**identity, "base_url": settings.base_url} if settings.base_url else identity

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
    `models` has the checkpoint folder of each name, or its name at an endpoint.

    Raises:
        EngineUnavailable: this machine lacks what the engine needs.
    """
    if choice.remote:
        spec = EngineSpec(choice, served=tuple(models.items()))
        served = tuple(Model(name, fingerprints[name], _unchanged, name) for name in models)
        return [_group(spec, served, dict.fromkeys(models, "endpoint"))]
    by_base: dict[str, dict[str, str]] = {}
    for name, folder in models.items():
        by_base.setdefault(base_of(folder), {})[name] = folder
    engine, load, groups = make(EngineSpec(choice)), loader(), []
    for base, folders in by_base.items():
        adapters = {name: Path(folder) for name, folder in folders.items() if folder != base}
        refused = {n: why for n, folder in adapters.items() if (why := engine.refusal(folder))}
        if able := {name: folder for name, folder in folders.items() if name not in refused}:
            groups.append(_local(base, able, fingerprints, choice, load))
        for name, why in refused.items():
            merged = {name: f"{fingerprints[name]} merged"}  # other weights than served ones
            group = _local(base, {name: folders[name]}, merged, choice, load)
            alone = replace(group.models[0], served_as="")
            spec, merging = replace(group.spec, adapters=()), (name, adapters[name], why)
            groups.append(replace(group, spec=spec, models=(alone,), merging=merging))
    return groups


def base_of(folder: str) -> str:
    """Return the full checkpoint whose engine serves a folder: itself, or its adapter's base."""
    base = under(Path(folder), MODELS)
    return folder if base is None else str(base)


def _local(
    base: str,
    folders: Mapping[str, str],
    fingerprints: Mapping[str, str],
    choice: EngineChoice,
    load: Callable[[Path], Tokenizer],
) -> EngineGroup:
    """Return a base and its adapters, with one renderer for all tokenizers that read alike."""
    from train.model.adapters import tokenizer_folder

    adapters = tuple((name, Path(folder)) for name, folder in folders.items() if folder != base)
    spec = EngineSpec(choice, Path(base), adapters)
    tokenizers = {n: load(tokenizer_folder(Path(base), Path(f))) for n, f in folders.items()}
    renderers: dict[str, Renderer] = {}
    if "tokens" in capabilities_of(choice.name):
        alike = Counter(tokenizer.signature for tokenizer in tokenizers.values())
        for tokenizer in tokenizers.values():
            render, readers = partial(rendered, tokenizer.itself), alike[tokenizer.signature]
            renderers[tokenizer.signature] = Remembered(render, readers) if readers > 1 else render
    room = longest(spec)
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
    return _group(spec, models, {n: t.template or _NO_TEMPLATE for n, t in tokenizers.items()})


def _group(
    spec: EngineSpec, models: tuple[Model, ...], templates: Mapping[str, str]
) -> EngineGroup:
    engine = make(spec)
    return EngineGroup(spec, models, engine.capabilities, engine.version, templates)


def _unchanged(request: Request) -> Request:
    return request
