"""The options of the command line that several commands have, alone and in groups."""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from harness.data.folder import data_folder
from harness.engines.registry import ENGINES

if TYPE_CHECKING:
    from harness.cli.output import Output
    from harness.pipeline.places import Places
    from harness.recipe.judge_options import JudgeOptions

F = TypeVar("F", bound=Callable[..., None])

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
TrackingOption = Annotated[
    str | None,
    typer.Option("--tracking", help="MLflow URI, or `none`. Default: SQLite under --runs."),
]
EngineOption = Annotated[
    str | None, typer.Option("--engine", help=f"The engine: {', '.join(ENGINES)}.")
]
BaseUrlOption = Annotated[str, typer.Option("--base-url", help="Address of an OpenAI endpoint.")]
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
UnsafeOption = Annotated[
    bool, typer.Option("--unsafe", help="Run programs even where they cannot be contained.")
]
TasksOption = Annotated[
    Path | None,
    typer.Option("--lm-eval-tasks", help="Folder of lm-eval task files, for lm_eval:NAME."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print the table only.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
JudgeOption = Annotated[
    str | None,
    typer.Option("--judge", help="openai:MODEL, vllm:FOLDER, transformers:FOLDER, fake:FOLDER."),
]
JudgeUrlOption = Annotated[
    str, typer.Option("--judge-url", help="Address of the judge. Default: OpenAI's own.")
]
AllowMissingOption = Annotated[
    bool, typer.Option("--allow-missing", help="Show scores with samples missing, n of N.")
]
AllowMismatchOption = Annotated[
    bool, typer.Option("--allow-mismatch", help="Warn where scores were made differently.")
]
AsJsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RunNames = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="Run folders, result files, mlflow:EXPERIMENT."),
]
RecipeArgument = Annotated[Path, typer.Argument(help="A recipe file (YAML).")]


@dataclass(frozen=True, slots=True)
class FolderOptions:
    """The folders that a command works with."""

    runs: RunsOption = RUNS
    models: ModelsOption = MODELS
    data_dir: DataOption = None

    def places(self, tracking: str | None = "none") -> "Places":
        """Return the folders with a tracking store; None is an SQLite store among the runs."""
        from harness.cli.parse import places

        return places(self.runs, self.models, self.data_dir, tracking)


@dataclass(frozen=True, slots=True)
class JudgeFlags:
    """The judge, its price and its budget."""

    judge: JudgeOption = None
    judge_url: JudgeUrlOption = ""
    judge_price: Annotated[
        str | None,
        typer.Option("--judge-price", help="IN,OUT: dollars a million prompt, completion tokens."),
    ] = None
    max_cost: Annotated[
        float | None,
        typer.Option("--max-cost", help="Dollars that the judge may cost in this run."),
    ] = None
    judge_repeats: Annotated[
        int | None,
        typer.Option(
            "--judge-repeats", min=1, help="Number of times that each verdict is requested."
        ),
    ] = None

    @property
    def options(self) -> "JudgeOptions":
        """The options as the recipe's room reads them."""
        from harness.recipe.judge_options import JudgeOptions

        return JudgeOptions(*dataclasses.astuple(self))


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """The form in which a command that runs stages prints."""

    quiet: QuietOption = False
    json: Annotated[
        bool, typer.Option("--json", help="Print progress and result as JSON lines, nothing else.")
    ] = False

    @property
    def output(self) -> "Output":
        """The output of this form."""
        from harness.cli.output import output

        return output(quiet=self.quiet, json=self.json)


def command(app: typer.Typer, name: str | None = None) -> Callable[[F], F]:
    """Register a command whose parameters may be groups of options.

    Each field of a group is an option of the command. Every command also has `--debug`, which
    `harness.cli.main` reads.
    """

    def register(function: F) -> F:
        app.command(name)(_with_single_options(function))
        return function

    return register


def _with_single_options(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function of single options that calls one of groups."""
    groups: dict[str, Any] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        if not dataclasses.is_dataclass(parameter.annotation):
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        groups[parameter.name] = parameter.annotation
        parameters += [
            _parameter(field.name, field.type, field.default)
            for field in dataclasses.fields(parameter.annotation)
        ]
    parameters.append(_parameter("debug", DebugOption, default=False))

    def call(**values: Any) -> None:
        del values["debug"]
        for name, group in groups.items():
            fields = [field.name for field in dataclasses.fields(group)]
            values[name] = group(**{field: values.pop(field) for field in fields})
        function(**values)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )
