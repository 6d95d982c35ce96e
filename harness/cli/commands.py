"""The commands that train and evaluate."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from harness.cli import parse
from harness.cli.output import Output
from harness.errors import ModelError
from harness.pipeline import run as pipeline
from harness.pipeline.places import Places
from harness.recipe.schema import EvaluateSection
from harness.storage.atomic_files import write_text

_RECIPES = Path(__file__).resolve().parents[2] / "recipes"
_SCORES = _RECIPES / "demo.yaml"
_LIKELIHOOD = _RECIPES / "demo-likelihood.yaml"

_ABOUT_SCORES = (
    "What this shows: what a few minutes of training on K = 4 scored responses a prompt did to a "
    "small model, on problems that it has not seen. What moves first is style (how an answer is "
    "laid out, when it stops: see the tokens), not arithmetic. Each row is one training run with "
    "one seed: it ranks no methods."
)
_ABOUT_LIKELIHOOD = (
    "What this is about: trained on responses that the model itself gave, DPO and InfoNCA tend to "
    "push down even the best one together with the others; NCA, which also weighs each response "
    "against the reference, should hold it (the paper's point). The numbers above are printed as "
    "they came out. Look at the margin too: where it grew less, 'held' is partly 'trained less'."
)


def run(
    recipe_file: Path,
    overrides: Sequence[str],
    where: Places,
    *,
    evaluation: bool = True,
    save_result: Path | None = None,
    out: Output,
) -> None:
    """Run a recipe, print its tables and where things are (`nca run`, `nca train`)."""
    recipe, where = parse.recipe(recipe_file, overrides, where)
    library = None
    if evaluation:
        section, library = parse.expand_all(recipe.evaluate, where, out)
        recipe = recipe.model_copy(update={"evaluate": section})
    finished = pipeline.run(recipe, where, out.screen, library, evaluation=evaluation)
    if save_result is not None:
        write_text(save_result, finished.result.model_dump_json(indent=1) + "\n")
    out.result(finished, where.tracking_uri, recipe.compare.table)


def dry_run(recipe_file: Path, overrides: Sequence[str], where: Places, rows: int | None) -> None:
    """Print the cost of a recipe's training; nothing is fetched or written."""
    from harness.pipeline.dry_run import estimate_costs, page

    recipe, where = parse.recipe(recipe_file, overrides, where)
    for name, estimate in estimate_costs(recipe, where, rows).items():
        print(page(name, recipe.starts.get(name, recipe.base), estimate))


def merge(checkpoint: Path, out: Path, base: str | None, models: Path) -> None:
    """Make a full checkpoint of an adapter; it gets its name when it is whole.

    Raises:
        ModelError, train.TrainError: a folder is not what it should be; nothing was written.
    """
    from transformers.utils.logging import disable_progress_bar

    from harness.engines.checkpoints import checked, resolve, under
    from train.model import loading

    folder = checked(checkpoint.resolve())
    loading.refuse_unmergeable(folder, out)
    try:
        full = under(folder, models) if base is None else resolve(base, models)
    except ModelError as error:
        raise ModelError(f"{error}; --base names the full checkpoint under the adapter") from None
    disable_progress_bar()
    if full is not None:
        loading.merge(folder, full, out)
        Console().print(f"merged: {out}", highlight=False, soft_wrap=True)


def evaluate(models: Sequence[str], section: EvaluateSection, where: Places, out: Output) -> None:
    """Evaluate existing checkpoints and print their table."""
    section, library = parse.expand_all(section, where, out)
    named = parse.name_checkpoints(models)
    finished = pipeline.evaluate_models(named, section, where, out.screen, library)
    out.result(finished, where.tracking_uri)


def demo(model: str | None, where: Places, out: Output, limit: str | None) -> None:
    """Run both recipes of the demo; everything that is done already is reused."""
    overrides = [] if model is None else [f"base={Path(model).resolve()}"]
    scores = [*overrides, *parse.overrides(None, None, limit)]
    out.heading("1. responses of known quality, scored: who answers more problems?")
    run(_SCORES, scores, where, out=out)
    out.paragraph(_ABOUT_SCORES)
    out.heading("2. the model's own samples, scored: what happens to their likelihood?")
    run(_LIKELIHOOD, overrides, where, out=out)
    out.paragraph(_ABOUT_LIKELIHOOD)
