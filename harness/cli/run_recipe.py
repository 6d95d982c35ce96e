"""The work of `nca run`, `nca train` and `nca demo`."""

from collections.abc import Sequence
from pathlib import Path

from harness.cli import parse
from harness.cli.output import Output
from harness.pipeline import run as pipeline
from harness.pipeline.places import Places
from harness.storage.atomic_files import write_text

_RECIPES = Path(__file__).resolve().parents[2] / "recipes"
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


def run_recipe(
    file: Path,
    overrides: Sequence[str],
    where: Places,
    out: Output,
    *,
    evaluation: bool = True,
    save_result: Path | None = None,
) -> None:
    """Run a recipe, print its tables and where things are."""
    recipe, where = parse.recipe(file, overrides, where)
    library = None
    if evaluation:
        section, library = parse.expand_all(recipe.evaluate, where, out)
        recipe = recipe.model_copy(update={"evaluate": section})
    finished = pipeline.run(recipe, where, out.screen, library)
    if save_result is not None:
        write_text(save_result, finished.result.model_dump_json(indent=1) + "\n")
    out.result(finished, where.tracking_uri, recipe.compare.table)


def run_demo(model: str | None, where: Places, out: Output, limit: str | None) -> None:
    """Run both recipes of the demo; everything that is done already is reused."""
    base = [] if model is None else [f"base={Path(model).resolve()}"]
    out.heading("1. responses of known quality, scored: who answers more problems?")
    scores = [*base, *parse.overrides(None, None, limit)]
    run_recipe(_RECIPES / "demo.yaml", scores, where, out)
    out.paragraph(_ABOUT_SCORES)
    out.heading("2. the model's own samples, scored: what happens to their likelihood?")
    run_recipe(_RECIPES / "demo-likelihood.yaml", base, where, out)
    out.paragraph(_ABOUT_LIKELIHOOD)
