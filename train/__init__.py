"""Training from scored responses: objectives, data, log-probabilities, reference cache, trainer.

A run is started with `train.trainer.run.run(job, callbacks)`. Importing `train`, `train.config` and
`train.errors` does not import torch.
"""

from train.config import TrainConfig, TrainJob
from train.errors import DataError, TrainError

__all__ = ["DataError", "TrainConfig", "TrainError", "TrainJob"]
