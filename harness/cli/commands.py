"""What the commands of the command line do, once their options are parsed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from harness.cli import parse
from harness.cli.output import Output
from harness.data.folder import data_folder
from harness.errors import ModelError, RecipeError, RunError
from harness.pipeline import run as pipeline
from harness.pipeline.finish import Finished
from harness.pipeline.places import Places
from harness.recipe.reading import read_recipe
from harness.recipe.schema import EvaluateSection
from harness.storage.atomic_files import write_text

if TYPE_CHECKING:
    from harness.report.html.leaderboard import Options
    from harness.stats.power.budget import Budget


def run(
    recipe_file: Path,
    given: Sequence[str],
    where: Places,
    *,
    evaluation: bool = True,
    save_result: Path | None = None,
    out: Output,
) -> Finished:
    """`nca run` and `nca train`: run a recipe, print its tables, say where things are."""
    recipe = read_recipe(recipe_file, given)
    where = replace(where, near=(recipe_file.resolve().parent,))
    library = None
    if evaluation:
        section, library = parse.expand_all(recipe.evaluate, where, out)
        recipe = recipe.model_copy(update={"evaluate": section})
    finished = pipeline.run(recipe, where, out.screen, library, evaluation=evaluation)
    if save_result is not None:
        write_text(save_result, finished.result.model_dump_json(indent=1) + "\n")
    out.result(finished, where.tracking_uri, recipe.compare.table)
    return finished


def dry_run(recipe_file: Path, given: Sequence[str], where: Places, rows: int | None) -> None:
    """`nca train --dry-run`: print what training would cost; nothing is fetched or written."""
    from harness.pipeline.dry_run import estimate_costs, page

    recipe = read_recipe(recipe_file, given)
    where = replace(where, near=(recipe_file.resolve().parent,))
    for name, estimate in estimate_costs(recipe, where, rows).items():
        print(page(name, recipe.starts.get(name, recipe.base), estimate))


def merge(checkpoint: Path, out: Path, base: str | None, models: Path) -> None:
    """`nca merge`: a full checkpoint of an adapter, under its name only when it is whole.

    Raises:
        ModelError, train.TrainError: a folder is not what it should be; nothing was written.
    """
    from transformers.utils.logging import disable_progress_bar

    from harness.engines.checkpoints import checked, resolve, under
    from train.model import merging
    from train.model.disk import raise_on_full_disk

    folder = checked(checkpoint.resolve())
    merging.refuse_unmergeable(folder, out)
    try:
        full = under(folder, models) if base is None else resolve(base, models)
    except ModelError as error:
        raise ModelError(f"{error}; --base names the full checkpoint under the adapter") from None
    disable_progress_bar()
    if full is not None:
        with raise_on_full_disk(out.parent):
            merging.merge(folder, full, out)
        Console().print(f"merged: {out}", highlight=False, soft_wrap=True)


def evaluate(
    models: Sequence[str], chosen: EvaluateSection, where: Places, out: Output
) -> Finished:
    """`nca eval`: evaluate existing checkpoints and print their table."""
    chosen, library = parse.expand_all(chosen, where, out)
    named = parse.name_checkpoints(models)
    finished = pipeline.evaluate_models(named, chosen, where, out.screen, library)
    out.result(finished, where.tracking_uri)
    return finished


def compare(
    runs: Sequence[str],
    baseline: str | None,
    format_: str,
    where: Places,
    *,
    allow_missing: bool,
    allow_mismatch: bool,
) -> None:
    """`nca compare`: one table over finished runs, on standard output."""
    from harness.report.compare.comparison import compare as put_side_by_side
    from harness.report.compare.together import merged
    from harness.report.tables.formats import FORMATS
    from harness.report.tables.score_table import comparison_table
    from harness.report.tables.table import terminal

    if format_ not in ("terminal", *FORMATS):
        known = ", ".join(FORMATS)
        raise RecipeError(f"no table format is called {format_!r}: use terminal, {known}")
    result = merged([result for name in runs for result in parse.results(name, where.tracking_uri)])
    if not any(checkpoint.suites for checkpoint in result.checkpoints):
        raise RunError(
            f"{' '.join(runs)}: no checkpoint was evaluated on a suite (nca trends shows probes)"
        )
    comparison = put_side_by_side(
        result,
        baseline or result.baseline,
        allow_missing=allow_missing,
        allow_mismatch=allow_mismatch,
    )
    table = comparison_table(comparison)
    if format_ == "terminal":
        console = Console()
        console.print(terminal(table, console.width))
    else:
        print(FORMATS[format_].write(table), end="")


def report(runs: Sequence[str], out: Path, options: "Options", where: Places) -> None:
    """`nca report`: pages in a folder; the name of the first on standard output.

    Raises:
        RunError: a run, the baseline or the folder does not fit, or scores must not be compared.
    """
    from harness.report.html.build import build
    from harness.report.html.material import gather, source

    found = [
        source(result, Path(name))
        for name in runs
        for result in parse.results(name, where.tracking_uri)
    ]
    print(build(gather(found), out, options))


def export(run_folder: Path, format_: str, out: Path, checkpoints: Sequence[str]) -> None:
    """`nca export`: a line a file that was written.

    Raises:
        RunError: the run, a checkpoint, the format or a log does not fit.
    """
    from harness.evaluate.answer_files.export import export as write_files

    for one in write_files(run_folder, format_, out, checkpoints):
        lost = f"; {one.lost} answers left out: they were lost (infra or filtered)"
        print(f"{one.file}: {one.suite}, {one.rows} rows{lost if one.lost else ''}")


def trends(runs: Sequence[str], baseline: str, out: Path, where: Places) -> None:
    """`nca trends`: a table on standard output; tables and pictures in a folder."""
    from harness.report.compare import trends as curves
    from harness.report.compare.likelihood import prompts_named
    from harness.report.tables.formats import markdown, to_csv
    from harness.report.tables.table import terminal
    from harness.report.tables.trend_table import draw_trends, trend_table
    from harness.storage.atomic_files import write_text

    console = Console()
    for result in (found for name in runs for found in parse.results(name, where.tracking_uri)):
        found = curves.trends(result)
        prompts = prompts_named([point for one in found for point in one.points()])
        table = trend_table(curves.rows(found, baseline), baseline, result.recipe, prompts)
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / f"{result.recipe}.md", markdown(table))
        write_text(out / f"{result.recipe}.csv", to_csv(table))
        draw_trends(found, out / "figures" / result.recipe)
        console.print(terminal(table, console.width))


def power(budget: "Budget", json_file: Path | None) -> None:
    """`nca power`: a short table on standard output, everything behind it in a file."""
    from harness.cli.power_summary import table, write_json
    from harness.report.tables.table import terminal

    console = Console()
    console.print(terminal(table(budget), console.width))
    if json_file is not None:
        write_json(budget, json_file)


def list_suites() -> None:
    """`nca suites`: a suite each, its source without the commit (`show` has that and the version).

    In 80 columns names and sources are whole; only a licence may go on in a second line.
    """
    from rich.table import Table

    from eval_suites.registry import SUITES, find

    table = Table(box=None)
    for heading in ("suite", "headline", "source", "licence"):
        table.add_column(heading, no_wrap=heading != "licence", overflow="fold")
    for suite in map(find, SUITES):
        source, _, _ = suite.source.partition(" @ ")
        table.add_row(suite.name, suite.headline, source, suite.licence)
    Console().print(table)


def show_suite(
    name: str,
    sample: int,
    model: str | None,
    models: Path,
    data_dir: Path | None,
    tasks: Path | None,
) -> None:
    """`nca suites show`: facts, and the first prompt of one sample as a model would see it.

    Of a judged suite also what a judge is asked, with words in place of the answers.
    """
    from harness.evaluate.judge.preview import preview
    from harness.evaluate.suites.registry import find

    suite = find(name, tasks)
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
        console.print(_shown(request, model, models), markup=False)
    for request in preview(suite, chosen):
        console.print(f"\nA judge is asked:\n{_shown(request, None, models)}", markup=False)


def show_data(
    recipe_file: Path, given: Sequence[str], where: Places, checkpoint: str | None, row: int | None
) -> None:
    """`nca data show`: one prompt of a recipe's training data, as training sees it."""
    from harness.cli.training_data import show

    recipe = read_recipe(recipe_file, given)
    where = replace(where, near=(recipe_file.resolve().parent,))
    show(recipe, where, checkpoint, row, Console(highlight=False))


def fetch_data(names: Sequence[str], data_dir: Path, base_url: str | None, tries: int) -> None:
    """`nca data fetch`: a line a file, then what became of all.

    Raises:
        UserError: a name or the folder is wrong, the server does not answer, or a file could not
            be had as upstream has it; what was fetched is kept.
    """
    from harness.cli.fetch_summary import line, refuse_failed, summary
    from harness.data.fetch.download import Patience
    from harness.data.fetch.fetch import BASE_URL, fetch
    from harness.data.fetch.manifest import chosen

    wanted = chosen(names)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    done = fetch(
        wanted,
        data_dir,
        lambda one: console.print(line(one)),
        base_url or BASE_URL,
        Patience(tries=tries),
    )
    console.print(summary(done, data_dir))
    refuse_failed(done)


def doctor(where: Places, *, online: bool) -> None:
    """`nca doctor`: what this machine has, each lack with its remedy."""
    from harness.cli.diagnosis import checks, table
    from harness.report.tables.table import terminal

    found = checks(
        runs=where.runs,
        data_dir=data_folder(where.data_dir),
        tracking_uri=where.tracking_uri,
        online=online,
    )
    console = Console()
    console.print(terminal(table(found), console.width))


def _shown(request: Any, model: str | None, models: Path) -> str:
    if model is None:
        parts = [f"[{m.role}]\n{m.content}" for m in request.messages] or [request.text or ""]
        after = f"[scored]\n{request.continuation}" if request.continuation else ""
        return "\n".join([*parts, after or f"[assistant]\n{request.prefix}"])
    from transformers import AutoTokenizer

    from harness.engines.checkpoints import resolve
    from harness.evaluate.client.rendering import rendered

    tokenizer = AutoTokenizer.from_pretrained(resolve(model, models))
    shown = rendered(tokenizer, request)
    return str(tokenizer.decode((*(shown.token_ids or ()), *shown.continuation_ids)))
