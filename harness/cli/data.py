"""`nca data`: commands that fetch benchmark files, and sample or show training data."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from typer import Argument, Option, Typer

from harness.cli import options
from harness.cli.options import command
from harness.errors import UserError

app = Typer(
    help="Fetch benchmark files, sample training data, or look at it.", no_args_is_help=True
)


@command(app, "show")
def show_data(
    recipe: options.RecipeFile,
    *,
    row: Annotated[int | None, Option(min=1, help="Number of the row, from 1.")] = None,
    checkpoint: Annotated[
        str | None, Option(help="Checkpoint of the recipe. Default: the first.")
    ] = None,
    folders: options.Folders,
    set_: options.Set = None,
) -> None:
    """Print one prompt with its responses, rewards, labels and exact tokens."""
    from rich.console import Console

    from harness.cli import parse
    from harness.cli.training_data import show

    read, where = parse.recipe(recipe, set_ or (), folders.places())
    show(read, where, checkpoint, row, Console(highlight=False))


@command(app, "fetch")
def fetch_data(
    names: Annotated[
        list[str] | None,
        Argument(metavar="NAME", help="Suites, `reward`, `preference`; all without."),
    ] = None,
    *,
    data_dir: options.DataDir = None,
    base_url: Annotated[
        str | None, Option(envvar="NCA_DATA_URL", help="A mirror of GitHub's raw files.")
    ] = None,
    tries: Annotated[
        int, Option(min=1, help="Attempts in a row without progress, for a file.")
    ] = 5,
) -> None:
    """Fill the data folder with upstream's files, each checked; what is there is left alone."""
    from rich.console import Console

    from harness.data.fetch.download import Patience
    from harness.data.fetch.fetch import BASE_URL, fetch
    from harness.data.fetch.manifest import chosen

    console = Console(highlight=False, soft_wrap=True, markup=False)
    folder = options.data_folder(data_dir)
    files = []
    for file in fetch(chosen(names or ()), folder, base_url or BASE_URL, Patience(tries=tries)):
        cost = f"{file.size / 1000:,.1f} kB  {file.seconds:.1f} s"
        details = f"{file.entry.path}  {cost}  {file.entry.licence}"
        console.print(f"{file.state:<9}{file.error or details}")
        files.append(file)
    counts = Counter(file.state for file in files)
    states = ", ".join(f"{number} {state}" for state, number in counts.items())
    size, seconds = sum(file.size for file in files), sum(file.seconds for file in files)
    totals = f"{states}; {size / 1e6:.1f} MB, {seconds:.1f} s"
    console.print(f"{len(files)} files at {folder}: {totals}")
    if failed := [file.error for file in files if file.state == "failed"]:
        more = f" (and {len(failed) - 1} more, above)" if len(failed) > 1 else ""
        raise UserError(f"{failed[0]}{more}")


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """The responses of a prompt and their rewards."""

    k: Annotated[int, Option("-k", help="Responses a prompt, 2 or more.")] = 4
    limit: Annotated[int | None, Option(help="The first so many prompts (of bbh: a task).")] = None
    verifier: Annotated[
        str | None, Option(help="A suite whose scorer rewards. Default: the prompts' own.")
    ] = None
    reward_model: Annotated[str | None, Option(help="A sequence classifier that rewards.")] = None
    judge: options.Judge = None
    judge_url: options.JudgeUrl = ""
    temperature: Annotated[float, Option(help="Of the sampling.")] = 1.0
    top_p: Annotated[float, Option(help="Of the sampling.")] = 1.0
    max_tokens: Annotated[
        int | None, Option(help="Tokens of a response. Default: the suite's; 512 for a file.")
    ] = None
    seed: Annotated[int, Option(help="Of the sampling.")] = 0
    drop_ties: Annotated[
        bool, Option("--drop-ties", help="Leave out prompts whose rewards are all equal.")
    ] = False
    drop_cut: Annotated[
        bool, Option("--drop-cut", help="Leave out responses cut at --max-tokens.")
    ] = False


@command(app, "sample")
def sample_data(
    checkpoint: Annotated[
        str, Argument(metavar="CHECKPOINT", help="A checkpoint folder, or NAME=FOLDER.")
    ],
    *,
    prompts: Annotated[str, Option(help="A suite, or a file of rows with `prompt`.")],
    out: Annotated[Path, Option("--output", "-o", help="The file of rows (.jsonl).")],
    sampling: SamplingOptions,
    folders: options.Folders,
    engine: options.Engine = None,
    base_url: options.BaseUrl = "",
    unsafe: options.Unsafe = False,
    quiet: options.Quiet = False,
) -> None:
    """Sample K responses a prompt from a checkpoint and score them: training data on policy."""
    from harness.cli import parse
    from harness.cli.output import output
    from harness.cli.sample import sample, section_of

    section = section_of(prompts=prompts, **asdict(sampling))
    choice, where = parse.engine_choice(engine, base_url), folders.places()
    sample(checkpoint, section, choice, where, out, unsafe=unsafe, output=output(quiet=quiet))
