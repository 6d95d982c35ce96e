"""What processes are started with: an allocator where there is one, never the user's overruled."""

import os
import subprocess
from pathlib import Path

import pytest

from harness.engines import preload
from harness.engines.preload import preloading


def test_within_a_library_is_preloaded_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    monkeypatch.setattr(preload, "find_library", {"tcmalloc": "libtcmalloc.so.4"}.get)
    with preloading():
        assert os.environ["LD_PRELOAD"] == "libtcmalloc.so.4"
        os.environ["LD_PRELOAD"] += ":libgomp.so"
    assert "LD_PRELOAD" not in os.environ


def test_what_the_user_preloads_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "")
    with preloading():
        assert os.environ["LD_PRELOAD"] == ""
    assert os.environ["LD_PRELOAD"] == ""


def test_without_such_a_library_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    monkeypatch.setattr(preload, "find_library", lambda _name: None)
    with preloading():
        assert "LD_PRELOAD" not in os.environ


def test_the_loader_finds_what_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    with preloading():
        named = os.environ.get("LD_PRELOAD")
        if named is None:
            pytest.skip("no tcmalloc on this machine")
        maps = ["cat", "/proc/self/maps"]
        done = subprocess.run(maps, capture_output=True, text=True, check=True)
    assert Path(named).name in done.stdout or "libtcmalloc" in done.stdout
    assert done.stderr == ""
