"""Options that several commands of the command line have."""

from pathlib import Path
from typing import Annotated

import typer

from harness.data.folder import data_folder
from harness.engines.registry import ENGINES

RUNS = Path("runs")
MODELS = Path("models")

RunsOption = Annotated[Path, typer.Option("--runs", help="Folder of run folders and the journal.")]
ModelsOption = Annotated[Path, typer.Option("--models", help="Folder of fetched models.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="NCA_DATA_DIR",
        help="Folder of benchmark files. Default: one in your cache, for `nca data fetch` to fill.",
        callback=data_folder,
    ),
]
EngineOption = Annotated[
    str | None, typer.Option("--engine", help=f"The engine: {', '.join(ENGINES)}.")
]
LimitOption = Annotated[
    str | None,
    typer.Option("--limit", help="Samples a suite (of bbh: a task): a number, or gsm8k=64,bbh=4."),
]
RoomOption = Annotated[
    int | None,
    typer.Option(
        "--max-model-len",
        min=16,
        help="Tokens of a prompt with its answer; fewer where the model ends. Default: 2048.",
    ),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Override a key: train.beta=0.05. Repeatable.")
]
TrackingOption = Annotated[
    str | None,
    typer.Option("--tracking", help="MLflow URI, or `none`. Default: SQLite under --runs."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print the table only.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print progress and result as JSON lines, nothing else.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
UnsafeOption = Annotated[
    bool, typer.Option("--unsafe", help="Run programs even where they cannot be contained.")
]
JudgeOption = Annotated[
    str | None,
    typer.Option("--judge", help="openai:MODEL, vllm:FOLDER, transformers:FOLDER, fake:FOLDER."),
]
JudgeUrlOption = Annotated[
    str, typer.Option("--judge-url", help="Of the judge's endpoint. Default: OpenAI's own.")
]
JudgePriceOption = Annotated[
    str | None,
    typer.Option("--judge-price", help="IN,OUT: dollars a million prompt, completion tokens."),
]
MaxCostOption = Annotated[
    float | None, typer.Option("--max-cost", help="Dollars that the judge may cost in this run.")
]
JudgeRepeatsOption = Annotated[
    int | None, typer.Option("--judge-repeats", min=1, help="Times that each verdict is asked for.")
]
TasksOption = Annotated[
    Path | None,
    typer.Option("--lm-eval-tasks", help="Folder of lm-eval task files, for lm_eval:NAME."),
]
RunNames = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="Run folders, result files, mlflow:EXPERIMENT."),
]
AllowMissingOption = Annotated[
    bool, typer.Option("--allow-missing", help="Show scores with samples missing, n of N.")
]
AllowMismatchOption = Annotated[
    bool, typer.Option("--allow-mismatch", help="Warn where scores were made differently.")
]
AsJsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RecipeArgument = Annotated[Path, typer.Argument(help="A recipe file (YAML).")]
