"""The demo: two recipes on a small real model, and what their tables do and do not show."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from harness import commands
from harness.plan import Places

_RECIPES = Path(__file__).resolve().parent.parent / "recipes"
SCORES = _RECIPES / "demo.yaml"
LIKELIHOOD = _RECIPES / "demo-likelihood.yaml"

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


def show(model: str | None, where: Places, *, limit: str | None, quiet: bool) -> None:
    """Run both recipes; everything that is done already is reused."""
    console = Console()
    given = [] if model is None else [f"base={Path(model).resolve()}"]
    scores = [*given, *commands.overrides(None, None, limit)]
    if not quiet:
        console.rule("1. responses of known quality, scored: who answers more problems?")
    commands.run(SCORES, scores, replace(where, near=()), quiet=quiet)
    console.print(_ABOUT_SCORES, highlight=False)
    if not quiet:
        console.rule("2. the model's own samples, scored: what happens to their likelihood?")
    commands.run(LIKELIHOOD, given, where, quiet=quiet)
    console.print(_ABOUT_LIKELIHOOD, highlight=False)
