"""Training from scored responses: objectives, data, log-probabilities, reference cache, trainer.

Heavy names load on first use, so that `train.config` and `train.errors` cost no torch import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from train.config import TrainConfig, TrainJob
from train.errors import DataError, TrainError

if TYPE_CHECKING:
    from train.objectives import objective
    from train.run import run

__all__ = ["DataError", "TrainConfig", "TrainError", "TrainJob", "objective", "run"]

_LAZY = {"objective": "train.objectives", "run": "train.run"}


def __getattr__(name: str) -> Any:
    """The public names whose modules import torch.

    The name is kept afterwards: the import of `train.run` itself leaves the module under it.
    """
    if name not in _LAZY:
        raise AttributeError(f"module 'train' has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
