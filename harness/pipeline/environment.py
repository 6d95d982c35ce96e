"""The environment of our processes: no telemetry, and libraries that do not print.

Each package reads its own setting from the environment, some when they are imported: these
functions come before any of them, and processes that are started later inherit the settings. A
setting of the user's stays.
"""

import os
from collections.abc import Mapping

#: The hub client (versions and agents in its requests), MLflow (calls and their origin), vLLM (the
#: machine and the model).
_NO_TELEMETRY = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
}
_QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def switch_off_telemetry() -> None:
    """Report nothing to the makers of the packages that this one builds on."""
    _set(_NO_TELEMETRY)


def silence_libraries() -> None:
    """Keep the libraries of a stage from printing bars and warnings."""
    _set(_QUIET)


def _set(settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        os.environ.setdefault(name, value)
