"""The folder of benchmark files: the one that is named, else one in the user's cache."""

import os
from pathlib import Path


def data_folder(named: Path | None) -> Path:
    """Return the folder of benchmark files.

    Args:
        named: with `--data-dir` or NCA_DATA_DIR.

    Returns:
        It, or `nca/data` in the cache of this user (XDG_CACHE_HOME, else `~/.cache`), which
        `nca data fetch` fills; it need not be there yet.
    """
    if named is not None:
        return named.resolve()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).resolve() / "nca" / "data"
