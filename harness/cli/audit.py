"""`nca audit`: the audit of a recipe, or of checkpoints that exist, printed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from harness.cli import parse
from harness.cli.output import ForPeople
from harness.engines import checkpoints
from harness.errors import ModelError, RecipeError
from harness.pipeline.audit.job import AuditJob, of_evaluation, of_plan
from harness.pipeline.jobs import eval_job
from harness.pipeline.plan import Places, planned
from harness.recipe.schema import EvaluateSection, read_recipe
from harness.storage.atomic_files import write_json


def show(job: AuditJob, speed: float | None, json_file: Path | None) -> None:
    """Print an audit, and write it as JSON where a file is named.

    Args:
        job: what to look at.
        speed: generated tokens a second, for the time; without it what earlier runs measured.
        json_file: where to write the audit; it is written of a failed one too.

    Raises:
        UserError: the audit found a failure, or could not be made.
    """
    from transformers.utils import logging

    from harness.pipeline.audit.duration import duration
    from harness.pipeline.audit.preflight import audit, refuse
    from harness.pipeline.audit.show import page, plain

    logging.set_verbosity_error()  # lengths beyond the tokenizer's own limit are in the page
    found = audit(job)
    time = duration(found, speed)
    print(page(found, time))
    if json_file is not None:
        write_json(json_file, plain(found, time))
    refuse(found)


def of_recipe(file: Path, given: Sequence[str], where: Places) -> AuditJob:
    """The audit of a recipe; nothing is fetched or written but hashes of weights.

    Raises:
        UserError: the recipe is wrong or evaluates nothing, or its base is not here.
    """
    recipe = read_recipe(file, given)
    where = replace(where, near=(file.resolve().parent,))
    chosen = parse.all_of(recipe.evaluate, where.data_dir, ForPeople(Console(), quiet=False))
    if not chosen.suites:
        raise RecipeError(f"{file}: evaluates nothing: name suites under evaluate.suites")
    _here(recipe.base, where)
    return of_plan(planned(recipe.model_copy(update={"evaluate": chosen}), where))


def of_models(named: Sequence[str], chosen: EvaluateSection, where: Places) -> AuditJob:
    """The audit of checkpoints as `nca eval` names them.

    Raises:
        UserError: one is not here, or two have one name.
    """
    chosen = parse.all_of(chosen, where.data_dir, ForPeople(Console(), quiet=False))
    rows = parse.named(named)
    if not chosen.engine.remote:
        rows = {name: _here(text, where) for name, text in rows.items()}
    prints = dict.fromkeys(rows, "")
    return of_evaluation(eval_job(where.runs, chosen, where, rows, prints))


def _here(name: str, where: Places) -> str:
    found = checkpoints.local(name, where.models, where.near)
    if found is None:
        raise ModelError(
            f"{name}: not on this machine, and an audit fetches nothing: fetch it first, or name a "
            "checkpoint folder"
        )
    return str(found)
