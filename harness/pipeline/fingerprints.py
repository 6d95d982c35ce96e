"""The checkpoints of a plan: where they lie, what they are trained on, what identifies them."""

from pathlib import Path

from harness.pipeline.plan import Plan
from harness.recipe.schema import BASE


def stands_on(plan: Plan, name: str) -> tuple[Path, Path | None]:
    """What a checkpoint is trained on: the full checkpoint, and the adapter on it that goes on.

    What another checkpoint of the recipe is to make may not be there yet.
    """
    start = plan.recipe.starts.get(name)
    if start is None:
        return Path(plan.full), plan.adapter
    folder = plan.folder.checkpoint(start)
    if plan.recipe.checkpoints[start].lora is None:
        return folder, None
    return stands_on(plan, start)[0], folder


def print_of(plan: Plan, name: str) -> str:
    """What identifies a checkpoint's weights; "" before they are trained."""
    from train.model.fingerprint import fingerprint

    folder, memo = plan.folder.checkpoint(name), plan.places.memo
    if name == BASE:
        return plan.base_print
    if not folder.is_dir():
        return ""
    return f"{fingerprint(folder, memo)} on {fingerprint(stands_on(plan, name)[0], memo)}"


def checkpoint_folder(plan: Plan, name: str) -> str:
    """Where a checkpoint of the plan lies (or will lie)."""
    return plan.base if name == BASE else str(plan.folder.checkpoint(name))


def fingerprints(plan: Plan) -> dict[str, str]:
    """Name -> what identifies its weights, the base first; untrained checkpoints are absent."""
    prints = {name: print_of(plan, name) for name in (BASE, *plan.recipe.checkpoints)}
    return {name: found for name, found in prints.items() if found}
