"""The errors of the suites, which the command line classifies at its border."""


class DataError(ValueError):
    """A benchmark file is missing or malformed; the message names file, row and remedy."""


class UnknownSuiteError(ValueError):
    """No suite has this name; the message lists the nearest ones."""


class SandboxError(ValueError):
    """Programs cannot be contained on this machine; the message names reason and remedy."""
