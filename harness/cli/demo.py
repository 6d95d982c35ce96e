"""The demo: two recipes on a small real model, and what their tables do and do not show."""

from dataclasses import replace
from pathlib import Path

from harness.cli import commands, parse
from harness.cli.output import Output
from harness.pipeline.places import Places

_RECIPES = Path(__file__).resolve().parents[2] / "recipes"
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


def show(model: str | None, where: Places, out: Output, limit: str | None = None) -> None:
    """Run both recipes; everything that is done already is reused."""
    given = [] if model is None else [f"base={Path(model).resolve()}"]
    scores = [*given, *parse.overrides(None, None, limit)]
    out.heading("1. responses of known quality, scored: who answers more problems?")
    commands.run(SCORES, scores, replace(where, near=()), out=out)
    out.paragraph(_ABOUT_SCORES)
    out.heading("2. the model's own samples, scored: what happens to their likelihood?")
    commands.run(LIKELIHOOD, given, where, out=out)
    out.paragraph(_ABOUT_LIKELIHOOD)
