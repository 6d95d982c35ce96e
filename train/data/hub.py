"""Data sets on the hub, by name and commit, through the `datasets` library.

A name is `hub:OWNER/NAME[/CONFIG][@REVISION][:SPLIT]`; the split is `train` by default. What was
read once is kept in the library's cache and needs no hub.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from train.errors import DataError

_PREFIX = "hub:"
_NAME = re.compile(
    r"hub:(?P<name>[\w.-]+/[\w.-]+)(/(?P<config>[^/@:]+))?"
    r"(@(?P<revision>[^@:]+))?(:(?P<split>.+))?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class HubName:
    """A data set on the hub; `revision` is a branch, tag or commit, None for the newest."""

    name: str
    config: str | None = None
    revision: str | None = None
    split: str | None = None

    def __str__(self) -> str:
        parts = (("/", self.config), ("@", self.revision), (":", self.split))
        return f"{_PREFIX}{self.name}" + "".join(mark + part for mark, part in parts if part)


def is_name(source: str) -> bool:
    """Return whether a source is a name on the hub."""
    return source.startswith(_PREFIX)


def parse(source: str) -> HubName:
    """Split a name on the hub into its parts; raise DataError where it is malformed."""
    match = _NAME.fullmatch(source)
    if match is None:
        raise DataError(f"{source}: write hub:OWNER/NAME, then /CONFIG, @REVISION, :SPLIT at need")
    return HubName(**match.groupdict())


def pin(name: HubName) -> HubName:
    """Return the name with the commit that it stands for now; raise DataError if none is known."""
    return replace(name, revision=str(_builder(name).hash))


def load(name: HubName) -> Any:
    """Return the rows of a data set, as mappings; raise DataError where it cannot be loaded."""
    builder = _builder(name)
    with raise_data_error(str(name)):
        builder.download_and_prepare()
        return builder.as_dataset(split=name.split or "train")


def _builder(name: HubName) -> Any:
    """Return the library's builder of a data set at the requested commit."""
    import datasets

    _silence_libraries()
    with raise_data_error(str(name)):
        # The prefix keeps a folder of the same name in the current one from being taken.
        path = f"hf://datasets/{name.name}"
        builder = datasets.load_dataset_builder(path, name.config, revision=name.revision)
    # Without the hub the library takes the newest copy that it has, whatever was requested.
    revision = name.revision or ""
    if _COMMIT.fullmatch(revision) and builder.hash != revision:
        raise DataError(
            f"{name}: the copy here is of commit {builder.hash}, and the hub cannot be reached; "
            "connect, or name that commit"
        )
    return builder


def _silence_libraries() -> None:
    """Turn off progress bars and lists of retries: a failure is reported once, by the error."""
    import datasets
    import huggingface_hub.utils.logging as hub_logging

    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity_error()
    hub_logging.set_verbosity(hub_logging.CRITICAL)


@contextmanager
def raise_data_error(source: str) -> Iterator[None]:
    """Raise any failure of the datasets library within as a DataError of one line."""
    try:
        yield
    except Exception as error:  # the library and its transports raise a dozen kinds
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{source}: cannot be loaded ({first}); check the name and the connection, or download "
            "it elsewhere and name its folder or file"
        ) from error
