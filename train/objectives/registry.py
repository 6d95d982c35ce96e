"""The objectives by name.

    loss = objective("nca", beta=0.01, alpha=0.0)
    out = loss(logps, ref_logps, rewards, mask)

Each is an entry of the dict at the end of `train/objectives/listwise.py` (any number of responses)
or `train/objectives/pairwise.py` (pairs).
"""

from typing import Any

from train.config import TrainConfig
from train.errors import TrainError
from train.objectives import listwise, pairwise
from train.objectives.objective import Loss, Objective

REGISTRY: dict[str, Objective] = {**listwise.OBJECTIVES, **pairwise.OBJECTIVES}


def find(name: str) -> Objective:
    """Return an objective with its needs; raise TrainError, naming all, where there is none."""
    if name not in REGISTRY:
        raise TrainError(f"no method {name!r}: choose one of {', '.join(sorted(REGISTRY))}")
    return REGISTRY[name]


def objective(name: str, **settings: Any) -> Loss:
    """Build the loss of an objective, such as `objective("nca", beta=0.01, alpha=0.0)`.

    Raises:
        TrainError: an unknown name, or a setting that it does not take.
    """
    entry = find(name)
    if unknown := sorted(set(settings) - entry.settings):
        takes = ", ".join(sorted(entry.settings)) or "no settings"
        raise TrainError(f"{name} takes no {', '.join(unknown)}: it takes {takes}")
    return entry.build(**settings)


def configure_loss(config: TrainConfig) -> Loss:
    """Build the loss that a config names; raise TrainError on an unknown method or setting."""
    shared = {name: getattr(config, name) for name in ("beta", "alpha", "pairs", "seed")}
    for name in shared.keys() & config.method_settings.keys():
        raise TrainError(f"method_settings.{name}: write it beside `method`, as a key of its own")
    taken = find(config.method).settings & shared.keys()
    settings = {name: shared[name] for name in taken}
    return objective(config.method, **settings, **config.method_settings)
