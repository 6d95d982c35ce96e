"""`nca data show`: one prompt of a checkpoint's training data, as training sees it."""

import random
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from harness.engines import checkpoints
from harness.errors import RecipeError, UserError
from harness.evaluate.client.rendering import pieces
from harness.pipeline.lookup import locate_data
from harness.pipeline.places import Places
from harness.pipeline.plan import plan_recipe
from harness.pipeline.stages import train_job
from harness.progress.wording import REASONS, visible
from harness.recipe.schema import Recipe, sample_named
from train.config import TrainConfig
from train.data.row_formats import Group


def show(
    recipe: Recipe, places: Places, checkpoint: str | None, row: int | None, console: Console
) -> None:
    """Print a row of a recipe's training data with its labels and tokens.

    `row` counts from 1; by default it is the first that training uses. By default the settings are
    those of the first checkpoint.

    Raises:
        UserError, train.DataError, train.TrainError: as a run would raise.
    """
    from train.model.loading import load_tokenizer

    if not recipe.checkpoints:
        raise RecipeError(f"{recipe.name}: trains nothing; give it `train:` and `checkpoints:`")
    name = checkpoint or next(iter(recipe.checkpoints))
    if name not in recipe.checkpoints:
        raise RecipeError(f"--checkpoint {name}: the recipe has {', '.join(recipe.checkpoints)}")
    config = _located(recipe, name, places)
    source, groups = _row(config, row)
    heading = visible(f"checkpoint {name}, method {config.method}\n{config.data}\n{source}")
    if isinstance(groups, str):
        console.print(Text(f"{heading}: {groups}"), soft_wrap=True)
        return
    tokenizer = load_tokenizer(Path(checkpoints.resolve(recipe.base, places.models, places.near)))
    plain = not console.is_terminal or console.no_color
    console.print(Text(heading), soft_wrap=True)
    tokens = _tokens(config, groups[1], tokenizer, plain=plain)
    for part in [*_conversation(config, *groups), *tokens]:
        console.print(part, soft_wrap=True)


def _located(recipe: Recipe, name: str, places: Places) -> TrainConfig:
    """Return a checkpoint's config with its data found, also in the run that sampled it."""
    config = recipe.checkpoints[name]
    if sample_named(config.data) is None:
        return locate_data(name, config, places)
    job = train_job(plan_recipe(recipe, places), name)
    if not Path(job.config.data).is_file():
        raise UserError(
            f"{config.data}: not sampled yet (checkpoints.{name}.data): `nca train RECIPE` samples "
            f"it into {Path(job.config.data).parent}"
        )
    return job.config


def _row(config: TrainConfig, row: int | None) -> tuple[str, tuple[Group, Group] | str]:
    """Return a row's `file:row`, and its group whole and as compared, or why it is left out."""
    from train.data.groups import read_group, read_groups
    from train.data.prepare import select_compared

    if row is None:
        groups, _ = read_groups(config.data, config.rows, config.responses, config.seed)
        both = ((group, select_compared(config, group)) for group in groups)
        group, kept = next(((g, k) for g, k in both if k is not None), (groups[0], None))
    else:
        source, read = read_group(config.data, row, config.responses, config.seed)
        if isinstance(read, str):
            return source, f"left out: {REASONS[read]}"
        group, kept = read, select_compared(config, read)
    if kept is None:
        return group.source, f"left out: all its rewards are equal, {config.method} has no pair"
    return group.source, (group, kept)


def _conversation(config: TrainConfig, whole: Group, group: Group) -> Iterator[Text]:
    """Yield the prompt and the compared responses, with their rewards and labels or pairs."""
    from train.objectives.pairwise import choose_pairs
    from train.objectives.registry import find

    yield _title("prompt")
    for role, content in group.messages:
        yield _heading(visible(role))
        yield Text(visible(content))
    count, of = len(group.responses), len(whole.responses)
    yield _title(f"{count} responses" + (f" of {of}" if count < of else ""))
    compares_pairs = find(config.method).labels == "pairs"
    labels = None if compares_pairs else _labels(config, group)
    for place, text in enumerate(group.responses):
        label = "" if labels is None else f", soft label {labels[place]:.4f}"
        yield _heading(f"response {place + 1}: reward {group.rewards[place]:g}{label}")
        yield Text(visible(text))
    if compares_pairs:
        # Only compared responses are left, so best_vs_random has one opponent and draws nothing.
        pairs = choose_pairs(group.rewards, config.pairs or "all", random.Random(0))
        named = ", ".join(f"{better + 1} over {worse + 1}" for better, worse in pairs)
        yield _title(f"pairs compared: {named}")


def _labels(config: TrainConfig, group: Group) -> list[float] | None:
    """Return the labels that the objective uses for a group; None where it has none."""
    import torch

    from train.objectives.registry import configure_loss

    rewards = torch.tensor([group.rewards], dtype=torch.float64)
    logps, mask = torch.zeros_like(rewards), torch.ones_like(rewards, dtype=torch.bool)
    labels = configure_loss(config)(logps, logps, rewards, mask, mask.long()).labels
    return None if labels is None else labels[0].tolist()


def _tokens(config: TrainConfig, group: Group, tokenizer: Any, *, plain: bool) -> Iterator[Text]:
    """Yield the model's input; trained tokens are in brackets where `plain`, else in colour."""
    from train.data.chat import end_token
    from train.data.tokens import tokenise

    (tokens,), report = tokenise(tokenizer, [group], config.max_length, config.max_prompt_length)
    marks = "in brackets" if plain else "in colour"
    yield _title(f"tokens as the model sees them; what is trained stands {marks}")
    cut = ", its beginning cut off" if report.cut_prompts else ""
    yield _heading(f"prompt: {len(tokens.prompt)} tokens, none trained{cut}")
    yield Text("".join(pieces(tokenizer, tokens.prompt)), style="dim")
    end = end_token(tokenizer, group.messages)
    for place, ids in enumerate(tokens.responses, start=1):
        cut = "" if ids[-1] == end else ", its end cut off"
        yield _heading(f"response {place}: {len(ids)} tokens, all trained{cut}")
        texts = pieces(tokenizer, ids)
        if plain:
            yield Text("".join(f"[{text}]" for text in texts))
        else:
            yield Text.assemble(*zip(texts, cycle(("green", "cyan")), strict=False))


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _heading(text: str) -> Text:
    return Text(f"-- {text}", style="italic")
