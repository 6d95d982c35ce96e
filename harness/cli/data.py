"""`nca data`: commands that fetch benchmark files, and sample or show training data."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import (
    BaseUrlOption,
    DataOption,
    EngineOption,
    FolderOptions,
    JudgeOption,
    JudgeUrlOption,
    QuietOption,
    RecipeArgument,
    SetOption,
    UnsafeOption,
    command,
)
from harness.data.folder import data_folder

app = typer.Typer(
    help="Fetch benchmark files, sample training data, or look at it.", no_args_is_help=True
)


@command(app, "show")
def show_data(
    recipe: RecipeArgument,
    *,
    row: Annotated[
        int | None, typer.Option("--row", min=1, help="Number of the row, from 1.")
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", help="Checkpoint of the recipe. Default: the first."),
    ] = None,
    folders: FolderOptions,
    set_: SetOption = None,
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
        typer.Argument(metavar="NAME", help="Suites, `reward`, `preference`; all without."),
    ] = None,
    *,
    data_dir: DataOption = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", envvar="NCA_DATA_URL", help="A mirror of GitHub's raw files."),
    ] = None,
    tries: Annotated[
        int, typer.Option("--tries", min=1, help="Attempts in a row without progress, for a file.")
    ] = 5,
) -> None:
    """Fill the data folder with upstream's files, each checked; what is there is left alone."""
    from rich.console import Console

    from harness.cli.fetch_summary import line, refuse_failed, summary
    from harness.data.fetch.download import Patience
    from harness.data.fetch.fetch import BASE_URL, fetch
    from harness.data.fetch.manifest import chosen

    console = Console(highlight=False, soft_wrap=True, markup=False)
    folder = data_folder(data_dir)
    fetched = fetch(
        chosen(names or ()),
        folder,
        lambda file: console.print(line(file)),
        base_url or BASE_URL,
        Patience(tries=tries),
    )
    console.print(summary(fetched, folder))
    refuse_failed(fetched)


@command(app, "sample")
def sample_data(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="A checkpoint folder, or NAME=FOLDER.")
    ],
    *,
    prompts: Annotated[
        str, typer.Option("--prompts", help="A suite, or a file of rows with `prompt`.")
    ],
    out: Annotated[Path, typer.Option("--output", "-o", help="The file of rows (.jsonl).")],
    k: Annotated[int, typer.Option("-k", help="Responses a prompt, 2 or more.")] = 4,
    limit: Annotated[
        int | None, typer.Option("--limit", help="The first so many prompts (of bbh: a task).")
    ] = None,
    verifier: Annotated[
        str | None,
        typer.Option("--verifier", help="A suite whose scorer rewards. Default: the prompts' own."),
    ] = None,
    reward_model: Annotated[
        str | None, typer.Option("--reward-model", help="A sequence classifier that rewards.")
    ] = None,
    judge: JudgeOption = None,
    judge_url: JudgeUrlOption = "",
    temperature: Annotated[float, typer.Option("--temperature", help="Of the sampling.")] = 1.0,
    top_p: Annotated[float, typer.Option("--top-p", help="Of the sampling.")] = 1.0,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens", help="Tokens of a response. Default: the suite's; 512 for a file."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the sampling.")] = 0,
    drop_ties: Annotated[
        bool, typer.Option("--drop-ties", help="Leave out prompts whose rewards are all equal.")
    ] = False,
    drop_cut: Annotated[
        bool, typer.Option("--drop-cut", help="Leave out responses cut at --max-tokens.")
    ] = False,
    folders: FolderOptions,
    engine: EngineOption = None,
    base_url: BaseUrlOption = "",
    unsafe: UnsafeOption = False,
    quiet: QuietOption = False,
) -> None:
    """Sample K responses a prompt from a checkpoint and score them: training data on policy."""
    from harness.cli import parse, sample
    from harness.cli.output import output

    sample.sample(
        checkpoint,
        sample.section_of(
            prompts=prompts,
            k=k,
            limit=limit,
            verifier=verifier,
            reward_model=reward_model,
            judge=judge,
            judge_url=judge_url,
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens,
            seed=seed,
            drop_ties=drop_ties,
            drop_cut=drop_cut,
        ),
        parse.engine_choice(engine, base_url),
        folders.places(),
        out,
        unsafe=unsafe,
        output=output(quiet=quiet, json=False),
    )
