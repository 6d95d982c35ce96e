"""Training from scored responses: objectives, data, log-probabilities, reference cache, trainer.

A run is started with `train.trainer.run.run(job, callbacks)`. `objective` loads on first use, so
that `train.config` and `train.errors` cost no torch import.
"""

from typing import TYPE_CHECKING, Any

from train.config import TrainConfig, TrainJob
from train.errors import DataError, TrainError

if TYPE_CHECKING:
    from train.objectives.registry import objective

__all__ = ["DataError", "TrainConfig", "TrainError", "TrainJob", "objective"]


def __getattr__(name: str) -> Any:
    """`objective`, whose module imports torch."""
    if name != "objective":
        raise AttributeError(f"module 'train' has no attribute {name!r}")
    from train.objectives.registry import objective

    return objective
