"""Nothing is reported to the makers of what this is built on, unless the user wants it.

Each package reads its own setting from the environment, some when they are imported: `off` comes
before any of them, and processes that are started later inherit it.
"""

import os

#: The hub client (versions and agents in its requests), MLflow (what was called, from where),
#: vLLM (the machine and the model). A setting that is there already stays.
SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
}


def off() -> None:
    """Switch telemetry off where the user has not said otherwise."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
