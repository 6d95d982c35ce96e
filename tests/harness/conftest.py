"""The command line, called in this process."""

import sys
from collections.abc import Callable

import pytest

from harness.cli import main


@pytest.fixture
def nca(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """A function from arguments to the exit code of `nca`."""

    def call(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["nca", *map(str, arguments)])
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    return call
