"""The words of a command line as values: recipes and their keys, checkpoints, runs."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.output import Output
from harness.engines.options import EngineChoice
from harness.engines.registry import DEFAULT, REMOTE
from harness.errors import RecipeError
from harness.pipeline.places import Places
from harness.recipe.reading import read_recipe
from harness.recipe.schema import DecodingChanges, EvaluateSection, Recipe
from harness.storage.result import Result, read_result

if TYPE_CHECKING:
    from harness.evaluate.suites.library import SuiteLibrary


def recipe(file: Path, overrides: Sequence[str], where: Places) -> tuple[Recipe, Places]:
    """Read a recipe, or raise RecipeError; files that it names may be relative to its folder."""
    return read_recipe(file, overrides), replace(where, near=(file.resolve().parent,))


def overrides(
    set_: Sequence[str] | None,
    engine: str | None,
    limit: str | None,
    *,
    room: int | None = None,
    unsafe: bool = False,
) -> list[str]:
    """Return `--set`, `--engine`, `--limit`, `--max-model-len` and `--unsafe` as overrides."""
    values = list(set_ or ())
    if engine is not None:
        values.append(f"evaluate.engine.name={engine}")
    if limit is not None:
        values.append(f"evaluate.limit={json.dumps(_limit(limit))}")
    if room is not None:
        values.append(f"evaluate.engine.max_model_len={room}")
    if unsafe:
        values.append("evaluate.unsafe=true")
    return values


def engine_choice(name: str | None, base_url: str, room: int | None = None) -> EngineChoice:
    """Return the engine of `--engine`, `--base-url` and `--max-model-len`.

    Raises RecipeError where a length is given to an endpoint.
    """
    name = name or (REMOTE if base_url else DEFAULT)
    choice = EngineChoice(name=name, base_url=base_url)
    if room is None:
        return choice
    if choice.remote:
        raise RecipeError(
            f"--max-model-len {room}: an endpoint has the length that it was started with: "
            "set it there, and leave the option out"
        )
    return choice.model_copy(update={"max_model_len": room})


def evaluate_section(
    suites: str,
    engine: EngineChoice,
    limit: str | None,
    *,
    temperature: float | None = None,
    tasks: Path | None = None,
    **keys: Any,
) -> EvaluateSection:
    """Return the evaluate section of the options of `nca eval`, or raise RecipeError.

    The `keys` are used as they are.
    """
    return EvaluateSection(
        suites=tuple(name.strip() for name in suites.split(",") if name.strip()),
        limit=None if limit is None else _limit(limit),
        decoding=DecodingChanges(temperature=temperature),
        engine=engine,
        lm_eval_tasks=tasks and tasks.resolve(),
        **keys,
    )


def expand_all(
    section: EvaluateSection, where: Places, out: Output
) -> tuple[EvaluateSection, "SuiteLibrary"]:
    """Put the suites that can run here in place of `all`, and note which cannot, and why.

    The suites that were loaded for it are returned, too.
    """
    from harness.evaluate.loop.suite_choice import expand_all
    from harness.evaluate.suites.library import SuiteLibrary
    from harness.pipeline.lookup import locate_tasks

    section = locate_tasks(section, where)
    library = SuiteLibrary(where.data_dir, section.lm_eval_tasks)
    section, left_out = expand_all(section, library)
    for name, reason in left_out.items():
        out.note(f"left out: {name}: {reason}")
    return section, library


def name_checkpoints(models: Sequence[str]) -> dict[str, str]:
    """Map row names to checkpoints, from `NAME=FOLDER` or from the name of a folder.

    Raises RecipeError where two rows would have one name.
    """
    rows: dict[str, str] = {}
    for text in models:
        name, equals, folder = text.rpartition("=")
        if not equals:
            path = Path(folder)
            name = path.parent.name if path.name == "checkpoint" else path.name
        if name in rows:
            raise RecipeError(f"two models are called {name!r}: write NAME=FOLDER")
        rows[name] = folder
    return rows


def results(name: str, uri: str) -> list[Result]:
    """Return the results of a folder, a file or an MLflow store, or raise RunError."""
    from harness.tracking.store import PREFIX, tracked_results

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
