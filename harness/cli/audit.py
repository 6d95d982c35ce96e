"""`nca audit`: the audit of a recipe, or of checkpoints that exist."""

from collections.abc import Sequence
from pathlib import Path

from harness.cli import parse
from harness.cli.output import output
from harness.engines import checkpoints
from harness.errors import ModelError, RecipeError
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.audit.job import AuditJob, of_evaluation, of_plan
from harness.pipeline.places import Places
from harness.pipeline.plan import plan_recipe
from harness.pipeline.stages import eval_job
from harness.recipe.schema import EvaluateSection
from harness.storage.atomic_files import write_json


def show(job: AuditJob, library: SuiteLibrary, speed: float | None, json_file: Path | None) -> None:
    """Print an audit, and write it as JSON where a file is named, a failed one too.

    `speed` is generated tokens a second; by default that of earlier runs.

    Raises:
        UserError: the audit found a failure, or could not be made.
    """
    from transformers.utils import logging

    from harness.pipeline.audit.preflight import audit, estimate_duration, raise_on_failure
    from harness.pipeline.audit.show import page, plain

    logging.set_verbosity_error()  # lengths beyond the tokenizer's own limit are in the page
    outcome = audit(job, library)
    time = estimate_duration(outcome, speed)
    print(page(outcome, time))
    if json_file is not None:
        write_json(json_file, plain(outcome, time))
    raise_on_failure(outcome)


def of_recipe(file: Path, overrides: Sequence[str], where: Places) -> tuple[AuditJob, SuiteLibrary]:
    """Return the audit of a recipe; nothing is fetched or written but hashes of weights.

    Raises:
        UserError: the recipe is wrong or evaluates nothing, or its base is not here.
    """
    recipe, where = parse.recipe(file, overrides, where)
    section, library = parse.expand_all(recipe.evaluate, where, output())
    if not section.suites:
        raise RecipeError(f"{file}: evaluates nothing: name suites under evaluate.suites")
    _local(recipe.base, where)
    plan = plan_recipe(recipe.model_copy(update={"evaluate": section}), where)
    return of_plan(plan, library), library


def of_models(
    named: Sequence[str], section: EvaluateSection, where: Places
) -> tuple[AuditJob, SuiteLibrary]:
    """Return the audit of checkpoints as `nca eval` names them.

    Raises:
        UserError: one is not here, or two have one name.
    """
    section, library = parse.expand_all(section, where, output())
    rows = parse.name_checkpoints(named)
    if not section.engine.remote:
        rows = {name: _local(text, where) for name, text in rows.items()}
    prints = dict.fromkeys(rows, "")
    return of_evaluation(eval_job(where.runs, section, where, rows, prints)), library


def _local(name: str, where: Places) -> str:
    folder = checkpoints.local(name, where.models, where.near)
    if folder is None:
        raise ModelError(
            f"{name}: not on this machine, and an audit fetches nothing: fetch it first, or name a "
            "checkpoint folder"
        )
    return str(folder)
