"""The errors of training; the command line classifies them (`harness/errors.py`)."""


class DataError(ValueError):
    """Training data is missing or malformed; the message names file, row and remedy."""


class TrainError(ValueError):
    """Training cannot start or go on; the message says why and what to do."""


class ProcessLostError(RuntimeError):
    """Another process of this training ended or hangs; what was saved is kept."""
