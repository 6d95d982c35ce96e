"""What the words of a command line mean: places, keys of a recipe, checkpoints, runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.output import Output
from harness.data.folder import data_folder
from harness.engines.options import EngineChoice
from harness.engines.registry import default_engine
from harness.errors import RecipeError
from harness.pipeline.places import Places
from harness.recipe.schema import DecodingChanges, EvaluateSection
from harness.storage.result import Result, read_result

if TYPE_CHECKING:
    from harness.evaluate.answer_files.unjudged import Bench
    from harness.evaluate.suites.library import SuiteLibrary
    from harness.recipe.schema import JudgeChoice


def places(runs: Path, models: Path, data_dir: Path | None, tracking: str | None) -> Places:
    """Where things lie; tracking defaults to an SQLite store among the runs."""
    uri = tracking or f"sqlite:///{(runs / 'mlflow.db').resolve()}"
    return Places(
        runs=runs,
        models=models,
        data_dir=data_folder(data_dir),
        tracking_uri="" if uri == "none" else uri,
    )


def overrides(
    given: Sequence[str] | None,
    engine: str | None,
    limit: str | None,
    *,
    room: int | None = None,
    unsafe: bool = False,
) -> list[str]:
    """`--set` with what `--engine`, `--limit`, `--max-model-len` and `--unsafe` stand for."""
    found = list(given or ())
    if engine is not None:
        found.append(f"evaluate.engine.name={engine}")
    if limit is not None:
        found.append(f"evaluate.limit={_limit_text(limit)}")
    if room is not None:
        found.append(f"evaluate.engine.max_model_len={room}")
    if unsafe:
        found.append("evaluate.unsafe=true")
    return found


def section(
    suites: str,
    engine: str | None,
    limit: str | None,
    repeats: int,
    temperature: float | None,
    base_url: str,
    *,
    room: int | None = None,
    unsafe: bool = False,
    tasks: Path | None = None,
) -> EvaluateSection:
    """The evaluate section that the options of `nca eval` stand for.

    Raises:
        RecipeError: a malformed limit, or a length given to an endpoint.
    """
    choice = EngineChoice(name=engine or default_engine(base_url), base_url=base_url)
    if room is not None:
        if choice.remote:
            raise RecipeError(
                f"--max-model-len {room}: an endpoint has the length that it was started with: "
                "set it there, and leave the option out"
            )
        choice = choice.model_copy(update={"max_model_len": room})
    return EvaluateSection(
        suites=tuple(name.strip() for name in suites.split(",") if name.strip()),
        limit=None if limit is None else _limit(limit),
        repeats=repeats,
        decoding=DecodingChanges(temperature=temperature),
        engine=choice,
        unsafe=unsafe,
        lm_eval_tasks=tasks and tasks.resolve(),
    )


def expand_all(
    section: EvaluateSection, where: Places, out: Output
) -> tuple[EvaluateSection, "SuiteLibrary"]:
    """Put the suites that can run here in place of `all`, and note which cannot, and why.

    Returns:
        The section, and the suites that were loaded for it.
    """
    from harness.evaluate.suite_choice import expanded
    from harness.evaluate.suites.library import SuiteLibrary
    from harness.pipeline.lookup import locate_tasks

    section = locate_tasks(section, where)
    library = SuiteLibrary(where.data_dir, section.lm_eval_tasks)
    section, left_out = expanded(section, library)
    for name, reason in left_out.items():
        out.note(f"left out: {name}: {reason}")
    return section, library


def bench(chosen: "JudgeChoice | None", where: Places) -> "Bench | None":
    """The judge of `nca score`, its model found; None where none is named."""
    from harness.evaluate.answer_files.unjudged import Bench
    from harness.pipeline.lookup import resolve_judge

    choice, fingerprint = resolve_judge(EvaluateSection(judge=chosen), where)
    if choice is None:
        return None
    where.runs.mkdir(parents=True, exist_ok=True)
    return Bench(choice, fingerprint, where.journal)


def name_checkpoints(models: Sequence[str]) -> dict[str, str]:
    """Row name -> checkpoint, from `NAME=FOLDER` or a folder that names itself.

    Raises:
        RecipeError: two rows would have one name.
    """
    rows: dict[str, str] = {}
    for text in models:
        name, given, folder = text.rpartition("=")
        if not given:
            path = Path(folder)
            name = path.parent.name if path.name == "checkpoint" else path.name
        if name in rows:
            raise RecipeError(f"two models are called {name!r}: write NAME=FOLDER")
        rows[name] = folder
    return rows


def results(name: str, uri: str) -> list[Result]:
    """What a RUN of the command line stands for: a folder, a file, or runs of an MLflow store.

    Raises:
        RunError: there is no such run.
    """
    from harness.tracking.tracked import PREFIX, tracked_results

    return tracked_results(name, uri) if name.startswith(PREFIX) else [read_result(Path(name))]


def _limit(text: str) -> int | dict[str, int]:
    try:
        if "=" not in text:
            return int(text)
        pairs = (part.split("=", 1) for part in text.split(","))
        return {name.strip(): int(number) for name, number in pairs}
    except ValueError:
        raise RecipeError(
            f"--limit {text}: write a number, or suite=number pairs with commas"
        ) from None


def _limit_text(text: str) -> str:
    limit = _limit(text)
    if isinstance(limit, int):
        return str(limit)
    return "{" + ", ".join(f"'{name}': {number}" for name, number in limit.items()) + "}"
