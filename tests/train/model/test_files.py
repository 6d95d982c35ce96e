"""Errors of writers on a full disk, and the same errors elsewhere."""

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from train.model.files import raise_on_full_disk


def test_a_hidden_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="unexpected pos"), raise_on_full_disk(tmp_path):
        raise RuntimeError("unexpected pos")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=100))
    with pytest.raises(OSError, match="No space left") as caught, raise_on_full_disk(tmp_path):
        raise RuntimeError("unexpected pos")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(tmp_path)
