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
    """Whether a source is a name on the hub."""
    return source.startswith(_PREFIX)


def parse(source: str) -> HubName:
    """The parts of a name on the hub.

    Raises:
        DataError: it is malformed.
    """
    match = _NAME.fullmatch(source)
    if match is None:
        raise DataError(f"{source}: write hub:OWNER/NAME, then /CONFIG, @REVISION, :SPLIT at need")
    return HubName(**match.groupdict())


def pinned(named: HubName) -> HubName:
    """The name with the commit that its revision stands for now (offline: of the cached copy).

    Raises:
        DataError: there is no such data set, or the hub cannot be reached and nothing is cached.
    """
    return replace(named, revision=str(_builder(named).hash))


def load(named: HubName) -> Any:
    """The rows of a data set, an iterable of mappings.

    Raises:
        DataError: it cannot be had, or has no such split.
    """
    builder, split = _builder(named), named.split or "train"
    with explained(str(named)):
        builder.download_and_prepare()
        return builder.as_dataset(split=split)


def _builder(named: HubName) -> Any:
    """The library's builder of a data set, at the commit that was asked for."""
    import datasets

    _quiet()
    with explained(str(named)):
        # The prefix keeps a folder of the same name in the current one from being taken.
        path = f"hf://datasets/{named.name}"
        builder = datasets.load_dataset_builder(path, named.config, revision=named.revision)
    # Without the hub the library takes the newest copy that it has, whatever was asked for.
    asked = named.revision or ""
    if _COMMIT.fullmatch(asked) and builder.hash != asked:
        raise DataError(
            f"{named}: the copy here is of commit {builder.hash}, and the hub cannot be reached; "
            "connect, or name that commit"
        )
    return builder


def _quiet() -> None:
    """No bars and no list of retries: what goes wrong is told once, in the error."""
    import datasets
    import huggingface_hub.utils.logging as hub_logging

    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity_error()
    hub_logging.set_verbosity(hub_logging.CRITICAL)


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Failures of the datasets library in one line, with what to do."""
    try:
        yield
    except Exception as error:  # the library and its transports raise a dozen kinds
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{source}: cannot be had ({first}); check the name and the connection, or download "
            "it elsewhere and name its folder or file"
        ) from error
