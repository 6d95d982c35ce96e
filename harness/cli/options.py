"""The options of the command line that several commands have, alone and in groups."""

import dataclasses
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from typer import Argument, Option, Typer

from harness.engines.registry import ENGINES

if TYPE_CHECKING:
    from harness.cli.output import Output
    from harness.pipeline.places import Places
    from harness.recipe.judge_options import JudgeOptions

F = TypeVar("F", bound=Callable[..., None])

RUNS = Path("runs")
MODELS = Path("models")


def data_folder(named: Path | None) -> Path:
    """Return the folder of benchmark files: the named one, else `nca/data` in this user's cache.

    The cache is XDG_CACHE_HOME, else `~/.cache`; `nca data fetch` makes and fills the folder.
    """
    if named is not None:
        return named.resolve()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).resolve() / "nca" / "data"


Runs = Annotated[Path, Option("--runs", help="Folder of run folders and the journal.")]
Models = Annotated[Path, Option("--models", help="Folder of fetched models.")]
DataDir = Annotated[
    Path | None,
    Option(
        "--data-dir",
        envvar="NCA_DATA_DIR",
        help="Folder of benchmark files. Default: one in your cache, for `nca data fetch` to fill.",
        callback=data_folder,
    ),
]
Tracking = Annotated[
    str | None, Option("--tracking", help="MLflow URI, or `none`. Default: SQLite under --runs.")
]
Engine = Annotated[str | None, Option("--engine", help=f"The engine: {', '.join(ENGINES)}.")]
BaseUrl = Annotated[str, Option("--base-url", help="Address of an OpenAI endpoint.")]
Limit = Annotated[
    str | None,
    Option("--limit", help="Samples a suite (of bbh: a task): a number, or gsm8k=64,bbh=4."),
]
MaxModelLen = Annotated[
    int | None,
    Option(
        "--max-model-len",
        min=16,
        help="Tokens of a prompt with its answer; fewer where the model ends. Default: 2048.",
    ),
]
Set = Annotated[
    list[str] | None, Option("--set", help="Override a key: train.beta=0.05. Repeatable.")
]
Unsafe = Annotated[
    bool, Option("--unsafe", help="Run programs even where they cannot be contained.")
]
Tasks = Annotated[
    Path | None, Option("--lm-eval-tasks", help="Folder of lm-eval task files, for lm_eval:NAME.")
]
Quiet = Annotated[bool, Option("--quiet", help="Print the table only.")]
Judge = Annotated[
    str | None,
    Option("--judge", help="openai:MODEL, vllm:FOLDER, transformers:FOLDER, fake:FOLDER."),
]
JudgeUrl = Annotated[
    str, Option("--judge-url", help="Address of the judge. Default: OpenAI's own.")
]
AllowMissing = Annotated[
    bool, Option("--allow-missing", help="Show scores with samples missing, n of N.")
]
AllowMismatch = Annotated[
    bool, Option("--allow-mismatch", help="Warn where scores were made differently.")
]
Debug = Annotated[bool, Option("--debug", help="Show the traceback of an error.")]
AsJson = Annotated[bool, Option("--json", help="Print JSON.")]
RunNames = Annotated[
    list[str], Argument(metavar="RUN...", help="Run folders, result files, mlflow:EXPERIMENT.")
]
RecipeFile = Annotated[Path, Argument(help="A recipe file (YAML).")]


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders that a command works with."""

    runs: Runs = RUNS
    models: Models = MODELS
    data_dir: DataDir = None

    def places(self, tracking: str | None = "none") -> "Places":
        """Return the folders with a tracking store; None is an SQLite store among the runs."""
        from harness.pipeline.places import Places

        uri = tracking or f"sqlite:///{(self.runs / 'mlflow.db').resolve()}"
        data_dir = data_folder(self.data_dir)
        return Places(self.runs, self.models, data_dir, "" if uri == "none" else uri)


@dataclass(frozen=True, slots=True)
class JudgeFlags:
    """The judge, its price and its budget."""

    judge: Judge = None
    judge_url: JudgeUrl = ""
    judge_price: Annotated[
        str | None, Option(help="IN,OUT: dollars a million prompt, completion tokens.")
    ] = None
    max_cost: Annotated[
        float | None, Option(help="Dollars that the judge may cost in this run.")
    ] = None
    judge_repeats: Annotated[
        int | None, Option(min=1, help="Number of times that each verdict is requested.")
    ] = None

    @property
    def options(self) -> "JudgeOptions":
        """The options as the recipe's room reads them."""
        from harness.recipe.judge_options import JudgeOptions

        return JudgeOptions(*dataclasses.astuple(self))


@dataclass(frozen=True, slots=True)
class Form:
    """The form in which a command that runs stages prints."""

    quiet: Quiet = False
    json: Annotated[
        bool, Option("--json", help="Print progress and result as JSON lines, nothing else.")
    ] = False

    @property
    def output(self) -> "Output":
        """The output of this form."""
        from harness.cli.output import output

        return output(quiet=self.quiet, json=self.json)


def command(app: Typer, name: str | None = None) -> Callable[[F], F]:
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
    keyword = inspect.Parameter.KEYWORD_ONLY
    groups: dict[str, Any] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        if dataclasses.is_dataclass(group := parameter.annotation):
            groups[parameter.name] = group
            parameters += inspect.signature(groups[parameter.name]).parameters.values()
        else:
            parameters.append(parameter)
    parameters = [parameter.replace(kind=keyword) for parameter in parameters]
    debug = inspect.Parameter("debug", keyword, default=False, annotation=Debug)
    parameters.append(debug)

    def call(**values: Any) -> None:
        del values["debug"]
        for name, group in groups.items():
            fields = inspect.signature(group).parameters
            values[name] = group(**{field: values.pop(field) for field in fields})
        function(**values)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call
