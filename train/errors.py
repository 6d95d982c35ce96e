"""The errors of training; the command line classifies them (`harness/errors.py`)."""


class DataError(ValueError):
    """Missing or malformed training data; the message names file, row and remedy."""


class TrainError(ValueError):
    """A training that cannot start or go on; the message states the reason and the remedy."""


class ProcessLostError(RuntimeError):
    """Another process of this training ended or hangs; saved states are kept."""
