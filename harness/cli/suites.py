"""`nca suites`: the suites as a table, and what one of them asks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Context, Option, Typer

from harness.cli import options
from harness.cli.options import MODELS, command

if TYPE_CHECKING:
    from eval_suites.requests import Request

app = Typer(help="List the suites, or show what one asks.", invoke_without_command=True)


@app.callback()
def suites(context: Context) -> None:
    """List the suites."""
    from rich.console import Console
    from rich.table import Table

    from eval_suites.registry import SUITES, find

    if context.invoked_subcommand is not None:
        return
    # In 80 columns names and sources are whole; only a licence may continue in a second line.
    table = Table(box=None)
    for heading in ("suite", "headline", "source", "licence"):
        table.add_column(heading, no_wrap=heading != "licence", overflow="fold")
    for suite in map(find, SUITES):
        source, _, _ = suite.source.partition(" @ ")  # without the commit
        table.add_row(suite.name, suite.headline, source, suite.licence)
    Console().print(table)


@command(app, "show")
def show_suite(
    name: Annotated[str, Argument(help="A suite, as `nca suites` lists it.")],
    *,
    sample: Annotated[int, Option(min=0, help="Number of the sample, from 0.")] = 0,
    model: Annotated[
        str | None, Option(help="Render with this checkpoint's chat template.")
    ] = None,
    models: options.Models = MODELS,
    data_dir: options.DataDir = None,
    lm_eval_tasks: options.Tasks = None,
) -> None:
    """Print a suite's facts and one rendered prompt."""
    from rich.console import Console

    from harness.errors import RecipeError
    from harness.evaluate.judge.estimate import preview
    from harness.evaluate.suites.library import find

    suite = find(name, lm_eval_tasks)
    samples = suite.load(data_dir)
    if sample >= len(samples):
        raise RecipeError(f"--sample {sample}: suite {name} has {len(samples)} samples, from 0")
    console = Console(soft_wrap=True, highlight=False)
    chosen = samples[sample]
    console.print(
        f"{suite.name} {suite.version}, {len(samples)} samples, headline {suite.headline}, "
        f"{suite.sampling.decoding}\nfrom {suite.source}, licence: {suite.licence}\n"
        f"sample {chosen.id}\n",
        markup=False,
    )
    for request in suite.ask(chosen, ()):
        text = _plain(request) if model is None else _rendered(request, model, models)
        console.print(text, markup=False)
    for request in preview(suite, chosen):
        console.print(f"\nA judge is asked:\n{_plain(request)}", markup=False)


def _plain(request: "Request") -> str:
    parts = [f"[{m.role}]\n{m.content}" for m in request.messages] or [request.text or ""]
    after = f"[scored]\n{request.continuation}" if request.continuation else ""
    return "\n".join([*parts, after or f"[assistant]\n{request.prefix}"])


def _rendered(request: "Request", model: str, models: Path) -> str:
    from transformers import AutoTokenizer

    from harness.engines.checkpoints import resolve
    from harness.evaluate.client.rendering import rendered

    tokenizer = AutoTokenizer.from_pretrained(resolve(model, models))
    shown = rendered(tokenizer, request)
    return str(tokenizer.decode((*(shown.token_ids or ()), *shown.continuation_ids)))
