"""The checkpoints of a plan: their folders, what they are trained on, and their fingerprints."""

from pathlib import Path

from harness.pipeline.plan import Plan
from harness.recipe.dependencies import BASE


def starting_point(plan: Plan, name: str) -> tuple[Path, Path | None]:
    """Return the full checkpoint that a checkpoint is trained on, and the adapter on it, if any.

    A folder that another checkpoint of the recipe is to make may not be there yet.
    """
    start = plan.recipe.starts.get(name)
    if start is None:
        return Path(plan.full), plan.adapter
    folder = plan.folder.checkpoint(start)
    if plan.recipe.checkpoints[start].lora is None:
        return folder, None
    return starting_point(plan, start)[0], folder


def fingerprint_of(plan: Plan, name: str) -> str:
    """Return the fingerprint of a checkpoint's weights; "" before they are trained."""
    from train.model.fingerprint import fingerprint

    folder, memo = plan.folder.checkpoint(name), plan.places.memo
    if name == BASE:
        return plan.base_fingerprint
    if not folder.is_dir():
        return ""
    return f"{fingerprint(folder, memo)} on {fingerprint(starting_point(plan, name)[0], memo)}"


def checkpoint_folder(plan: Plan, name: str) -> str:
    """Return the folder of a checkpoint of the plan, trained or not."""
    return plan.base if name == BASE else str(plan.folder.checkpoint(name))


def fingerprints(plan: Plan) -> dict[str, str]:
    """Map each trained checkpoint to its fingerprint, the base first."""
    trained = {name: fingerprint_of(plan, name) for name in (BASE, *plan.recipe.checkpoints)}
    return {name: fingerprint for name, fingerprint in trained.items() if fingerprint}
