"""The objectives by name: pure functions of log-probabilities, reference, rewards and mask.

    loss = objective("nca", beta=0.01, alpha=0.0)
    out = loss(logps, ref_logps, rewards, mask)

Adding one: write a builder that takes its settings by keyword and returns a
`train.objectives.objective.Loss` (`train/objectives/listwise.py` for any number of responses,
`train/objectives/pairwise.py` for pairs), and enter it in `REGISTRY` with what it needs.
"""

from typing import Any

from train.config import TrainConfig
from train.errors import TrainError
from train.objectives import listwise, pairwise
from train.objectives.objective import Entry, Loss, ObjectiveOutput

__all__ = ["REGISTRY", "Entry", "Loss", "ObjectiveOutput", "configure_loss", "entry", "objective"]

REGISTRY: dict[str, Entry] = {
    "biased_nca": Entry(pairwise.biased_nca, labels="pairs"),
    "bco_pair": Entry(pairwise.biased_nca, labels="pairs"),
    "cdpo": Entry(pairwise.cdpo, labels="pairs"),
    "dpo": Entry(pairwise.dpo, labels="pairs"),
    "exo": Entry(pairwise.exo, labels="pairs"),
    "hinge": Entry(pairwise.hinge, labels="pairs"),
    "infonca": Entry(listwise.infonca, labels="rewards"),
    "ipo": Entry(pairwise.ipo, labels="pairs", logps="mean"),
    "kto": Entry(listwise.kto, labels="rewards"),
    "nca": Entry(listwise.nca, labels="rewards"),
    "orpo": Entry(pairwise.orpo, labels="pairs", logps="mean", reference=False),
    "robust_dpo": Entry(pairwise.robust_dpo, labels="pairs"),
    "sft": Entry(listwise.sft, labels="rewards", logps="mean", reference=False),
    "simpo": Entry(pairwise.simpo, labels="pairs", logps="mean", reference=False),
}


def entry(name: str) -> Entry:
    """The registry's entry for `name`.

    Raises:
        TrainError: there is no such objective; the message names those there are.
    """
    if name not in REGISTRY:
        raise TrainError(f"no method {name!r}: choose one of {', '.join(sorted(REGISTRY))}")
    return REGISTRY[name]


def objective(name: str, **settings: Any) -> Loss:
    """The objective `name` with its settings, such as `objective("nca", beta=0.01, alpha=0.0)`.

    Raises:
        TrainError: an unknown name, or a setting that it does not take.
    """
    chosen = entry(name)
    unknown = sorted(set(settings) - chosen.settings)
    if unknown:
        takes = ", ".join(sorted(chosen.settings)) or "no settings"
        raise TrainError(f"{name} takes no {', '.join(unknown)}: it takes {takes}")
    return chosen.build(**settings)


def configure_loss(config: TrainConfig) -> Loss:
    """The objective that a training config names, with the config's keys that it takes.

    Raises:
        TrainError: there is no such method, or it takes no such setting.
    """
    own = {name: getattr(config, name) for name in ("beta", "alpha", "pairs", "seed")}
    for name in own.keys() & config.method_settings.keys():
        raise TrainError(f"method_settings.{name}: write it beside `method`, as a key of its own")
    taken = entry(config.method).settings & own.keys()
    return objective(config.method, **{name: own[name] for name in taken}, **config.method_settings)
