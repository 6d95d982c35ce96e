"""The folders and the store that a command works with."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """The folders and the store that a command works with.

    `runs` holds run folders, `models` fetched models, `data_dir` benchmark files. `tracking_uri` is
    an MLflow URI, empty for no tracking. `near` are folders that a relative path may be relative
    to, besides the current one (the recipe's own).
    """

    runs: Path
    models: Path
    data_dir: Path | None = None
    tracking_uri: str = ""
    near: tuple[Path, ...] = ()

    @property
    def journal(self) -> Path:
        """The journal of answers, which all runs share."""
        return self.runs.resolve() / "journal.sqlite"

    @property
    def cache(self) -> Path:
        """The folder of reference log-probabilities and hashes, which all runs share."""
        return self.runs.resolve() / "cache"

    @property
    def memo(self) -> Path:
        """The file of fingerprints of weights, so that many gigabytes are read once."""
        return self.cache / "fingerprints.json"

    @property
    def data_roots(self) -> tuple[Path, ...]:
        """The folders that a file of training data may be relative to, in the order of search."""
        return (*self.near, *([self.data_dir] if self.data_dir else []), Path())
