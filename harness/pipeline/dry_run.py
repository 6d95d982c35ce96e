"""`nca train --dry-run`: the cost of a recipe's training, from what is on this machine.

Nothing is downloaded, loaded or written: the model is counted on the meta device; the data is read
where it is on this machine, otherwise `--rows` states the number of prompts to assume.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.engines import checkpoints
from harness.errors import ModelError, UserError
from harness.pipeline.lookup import locate_data
from harness.pipeline.places import Places
from harness.pipeline.plan import adopt_adapters
from harness.recipe.schema import PREFIX, Recipe, SampleSection, sample_named
from train.config import TrainConfig
from train.model.model_shape import ModelShape, count_parameters, model_configuration
from train.trainer.estimate import (
    Memory,
    Operations,
    PromptLengths,
    Work,
    estimate_memory,
    estimate_operations,
    estimate_work,
)

_ASSUMED_RESPONSES = 4
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Base:
    """A recipe's base: its configuration, and its folders where they are on this machine."""

    config: Any
    source: str
    full: Path | None
    adapter: Path | None


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """The cost of one checkpoint; `data` states in words where its lengths come from."""

    config: TrainConfig
    model: ModelShape
    source: str
    data: str
    work: Work
    memory: Memory
    operations: Operations


def estimate_costs(recipe: Recipe, places: Places, rows: int | None) -> dict[str, CostEstimate]:
    """Return the cost of training each checkpoint, by name.

    `rows` is the number of prompts to read, or to assume where the data is not on this machine.

    Raises:
        UserError: the base's configuration is not known, or there is neither data nor `rows`.
        train.DataError, train.TrainError: the data or the settings are wrong.
    """
    base, estimates = _find_base(recipe, places), dict[str, CostEstimate]()
    for name, written in adopt_adapters(recipe, base.adapter).checkpoints.items():
        config = written if rows is None else written.model_copy(update={"rows": rows})
        sample = sample_named(config.data)
        drawn = None if sample is None else recipe.sample[sample]
        model = count_parameters(base.config, config.lora, base.adapter)
        config, train, probe, data = _lengths(name, config, base, places, drawn)
        work = estimate_work(config, train, probe)
        memory, operations = estimate_memory(config, model, work), estimate_operations(model, work)
        estimates[name] = CostEstimate(config, model, base.source, data, work, memory, operations)
    return estimates


def _find_base(recipe: Recipe, places: Places) -> Base:
    """Return the base with its own configuration, or with the values of the recipe."""
    folder = checkpoints.local(recipe.base, places.models, places.near)
    if folder is not None:
        full = checkpoints.under(folder, places.models) or folder
        adapter = None if full == folder else folder
        return Base(model_configuration(full, {}), str(full), full, adapter)
    if recipe.architecture:
        source = "`architecture:` of the recipe"
        return Base(model_configuration(None, recipe.architecture), source, None, None)
    raise ModelError(
        f"{recipe.base}: not on this machine, and the recipe states no `architecture:` (the values "
        "of its config.json, such as model_type and hidden_size): write one, or fetch the model"
    )


def _lengths(
    name: str, config: TrainConfig, base: Base, places: Places, drawn: SampleSection | None
) -> tuple[TrainConfig, Sequence[PromptLengths], Sequence[PromptLengths], str]:
    """Return the lengths to train on and to probe, counted if data and tokenizer are here.

    `drawn` is the sample that the checkpoint is trained on; None where its data is given.
    """
    from train.data.groups import read_groups

    here = _located(name, config, places)
    if here is not None and base.full is not None:
        return here, *_counted(here, base.full, base.adapter)
    if here is not None:
        groups, _ = read_groups(here.data, here.rows, here.responses, here.seed)
        count, source = len(groups), "in the data; lengths assumed"
    else:
        count, source = _assumed_count(name, config, drawn)
    lengths = _assumed_lengths(config, _ASSUMED_RESPONSES if drawn is None else drawn.k)
    probe = [lengths] * config.probe_rows if config.probe is not None else []
    text = (
        f"{count:,} prompts {source}: each {len(lengths.responses)} responses, "
        f"{lengths.prompt} prompt and {lengths.responses[0]} response tokens, the most that "
        "max_length allows"
    )
    return here or config, [lengths] * count, probe, text


def _located(name: str, config: TrainConfig, places: Places) -> TrainConfig | None:
    """Return the config with its files found on this machine, or None; the hub is not asked.

    A sample is in its run folder, which a dry run does not look for.
    """
    if any(str(file).startswith(("hub:", PREFIX)) for file in (config.data, config.probe)):
        return None
    try:
        return locate_data(name, config, places)
    except UserError:
        return None


def _counted(
    config: TrainConfig, full: Path, adapter: Path | None
) -> tuple[list[PromptLengths], list[PromptLengths], str]:
    from train.data.prepare import prepare
    from train.model.adapters import tokenizer_folder
    from train.model.loading import load_tokenizer

    data = prepare(config, load_tokenizer(tokenizer_folder(full, adapter)))
    train, probe = (
        [PromptLengths(len(g.prompt), tuple(map(len, g.responses))) for g in groups]
        for groups in (data.train, data.probe)
    )
    mean = sum(lengths.size for lengths in train) / len(train)
    text = f"{len(train):,} prompts, counted: {mean:,.0f} tokens each with all its responses"
    return train, probe, text


def _assumed_count(name: str, config: TrainConfig, drawn: SampleSection | None) -> tuple[int, str]:
    """Return the number of prompts of data that is not here, and where it comes from."""
    if config.rows is not None:
        return config.rows, "assumed (--rows)"
    if drawn is not None and drawn.limit is not None:
        return drawn.limit, "at most, which are still to be sampled; lengths assumed"
    reason, remedy = "not sampled yet", ""
    if drawn is None:
        reason, remedy = "not on this machine", ", or the folder of the data with --data-dir"
    raise UserError(
        f"{config.data}: {reason} (checkpoints.{name}.data): state the number of prompts with "
        f"--rows N{remedy}"
    )


def _assumed_lengths(config: TrainConfig, responses: int) -> PromptLengths:
    """Return the longest lengths of a config, with `responses` where it states no number."""
    from train.objectives.registry import find

    paired = find(config.method).labels == "pairs"
    two = paired and config.pairs in (None, "best_vs_random", "best_vs_worst")
    count = 2 if two else config.responses or responses
    room = config.max_length - config.max_prompt_length
    return PromptLengths(config.max_prompt_length, (room,) * count)


def page(name: str, base: str, estimate: CostEstimate) -> str:
    """Return one checkpoint's resolved config and cost as text."""
    plain = {"base": base, **estimate.config.model_dump(mode="json")}
    settings = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    count = estimate.operations
    rows = [
        *_work_rows(estimate),
        *_memory_rows(estimate),
        ("operations", f"{count.training:.3g} to train, {count.reference:.3g} for the reference"),
        ("", "(floating point, useful ones: no padding, nothing computed twice)"),
    ]
    body = "\n".join(f"  {title:12} {text}" for title, text in rows)
    indented = "".join(f"  {line}\n" for line in settings.splitlines())
    return f"checkpoint {name}\n{indented}\n{body}\n"


def _work_rows(estimate: CostEstimate) -> list[tuple[str, str]]:
    config, model, work = estimate.config, estimate.model, estimate.work
    batches = config.prompts_per_step // config.prompts_per_batch
    steps = f"{work.steps:,} of {config.prompts_per_step} prompts, in {batches} micro-batches each"
    trained = f"{work.training.given:,} trained on, {work.training.predicted:,} of them predicted"
    return [
        ("model", f"{model.kind}, from {estimate.source}"),
        ("parameters", f"{model.total:,}, of them trained {model.trained:,}"),
        ("data", estimate.data),
        ("steps", f"{steps}; {work.prompts:,} prompts in all"),
        ("tokens", f"{trained}; form {config.form}, without padding"),
        ("", f"{work.reference.given:,} for the reference, if none is on disk yet"),
    ]


def _memory_rows(estimate: CostEstimate) -> list[tuple[str, str]]:
    need, config, model, work = estimate.memory, estimate.config, estimate.model, estimate.work
    bits = ", linear layers in 4 bits" if config.lora and config.lora.quantise else ""
    kept = "float32" if model.rank else config.dtype
    state = int(need.optimiser / model.trained)
    positions = f"{work.batch:,} positions in rows of {work.row:,}"
    sizes = (
        (need.weights, f"weights, {config.dtype}{bits}"),
        (need.gradients, f"gradients, {kept}"),
        (need.optimiser, f"AdamW, {state} bytes a trained parameter"),
        (need.activations, f"activations of a micro-batch of {positions}"),
        (need.head, "head: a chunk of logits, gradients at the head"),
        (need.total, "in all; besides it the process itself, about 0.7 GB"),
        (need.total_checkpointed, "in all with activation checkpointing"),
    )
    title = ("memory", "at the peak, in one process that holds everything:")
    return [title, *(("", f"{size / _GB:8.2f} GB  {text}") for size, text in sizes)]
