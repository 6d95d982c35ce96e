"""`nca data`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import (
    MODELS,
    RUNS,
    DataOption,
    DebugOption,
    EngineOption,
    JudgeOption,
    JudgeUrlOption,
    ModelsOption,
    QuietOption,
    RecipeArgument,
    RunsOption,
    SetOption,
    UnsafeOption,
)
from harness.data.folder import data_folder

app = typer.Typer(
    help="Fetch benchmark files, sample training data, or look at it.", no_args_is_help=True
)


@app.command("show")
def show_data(
    recipe: RecipeArgument,
    row: Annotated[
        int | None, typer.Option("--row", min=1, help="Which row of the data, from 1.")
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", help="Whose settings; the first by default.")
    ] = None,
    runs: RunsOption = RUNS,
    models: ModelsOption = MODELS,
    data_dir: DataOption = None,
    set_: SetOption = None,
    debug: DebugOption = False,
) -> None:
    """Print one prompt with its responses, rewards, labels and exact tokens."""
    from harness.cli import commands, parse

    del debug
    where = parse.places(runs, models, data_dir, "none")
    commands.show_data(recipe, parse.overrides(set_, None, None), where, checkpoint, row)


@app.command("fetch")
def fetch_data(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Suites, `reward`, `preference`; all without."),
    ] = None,
    data_dir: DataOption = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", envvar="NCA_DATA_URL", help="A mirror of GitHub's raw files."),
    ] = None,
    tries: Annotated[
        int, typer.Option("--tries", min=1, help="In a row that bring nothing, for a file.")
    ] = 5,
    debug: DebugOption = False,
) -> None:
    """Fill the data folder with upstream's files, each checked; what is there is left alone."""
    from harness.cli import commands

    del debug
    commands.fetch_data(names or (), data_folder(data_dir), base_url, tries)


@app.command("sample")
def sample_data(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="A checkpoint folder, or NAME=FOLDER.")
    ],
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
    temperature: Annotated[float, typer.Option("--temperature", help="Of the drawing.")] = 1.0,
    top_p: Annotated[float, typer.Option("--top-p", help="Of the drawing.")] = 1.0,
    max_tokens: Annotated[
        int | None,
        typer.Option("--max-tokens", help="Of a response. Default: the suite's; 512 for a file."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the drawing.")] = 0,
    drop_ties: Annotated[
        bool, typer.Option("--drop-ties", help="Leave out prompts whose rewards are all equal.")
    ] = False,
    drop_cut: Annotated[
        bool, typer.Option("--drop-cut", help="Leave out responses cut at --max-tokens.")
    ] = False,
    runs: RunsOption = RUNS,
    models: ModelsOption = MODELS,
    data_dir: DataOption = None,
    engine: EngineOption = None,
    base_url: Annotated[str, typer.Option("--base-url", help="Of an OpenAI endpoint.")] = "",
    unsafe: UnsafeOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Sample K responses a prompt from a checkpoint and score them: training data on policy."""
    from harness.cli import parse, sample
    from harness.cli.output import output
    from harness.engines.options import EngineChoice
    from harness.engines.registry import default_engine

    del debug
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
        EngineChoice(name=engine or default_engine(base_url), base_url=base_url),
        parse.places(runs, models, data_dir, "none"),
        out,
        unsafe=unsafe,
        output=output(quiet=quiet, json=False),
    )
