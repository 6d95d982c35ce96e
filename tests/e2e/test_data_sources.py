"""Training from a folder and from the hub, end to end; the hub is a small server on this machine.

The hub library reads its settings when it is imported, so each use is a process of its own.
"""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

import pytest
import yaml

from harness.pipeline.places import Places
from harness.pipeline.plan import make_plan
from harness.recipe.reading import read_recipe

ROOT = Path(__file__).resolve().parents[2]
NAME = "own/pairs"


class Hub:
    """One data set `own/pairs`, served as the hub serves it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"README.md": b"---\nlicense: mit\n---\n"}
        self.commit = ""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def push(self, split: str, rows: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        self.files[f"data/{split}-00000-of-00001.jsonl"] = text.encode()
        self.commit = hashlib.sha1(repr(self.files).encode()).hexdigest()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, query: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of one request."""
        parts = unquote(path).strip("/").split("/")
        api, name = parts[0] == "api", "/".join(parts[2:4] if parts[0] == "api" else parts[1:3])
        if name != NAME:
            return 404, b"{}", {"X-Error-Code": "RepoNotFound"}
        if not api:
            return self._file("/".join(parts[5:]))
        kind, under = "".join(parts[4:5]), "/".join(parts[6:])
        if kind == "tree":
            found = self._tree(under, deep="recursive=true" in query.lower())
            return (200 if found else 404), json.dumps(found).encode(), {}
        if kind == "paths-info":
            asked = (
                parse_qs(body.decode())["paths"] if body[:1] != b"{" else json.loads(body)["paths"]
            )
            return 200, json.dumps([e for p in asked for e in self._entry(p)]).encode(), {}
        siblings = [{"rfilename": file} for file in self.files]
        info = {"id": NAME, "sha": self.commit, "siblings": siblings}
        return 200, json.dumps(info).encode(), {}

    def _file(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        commit = {"X-Repo-Commit": self.commit}
        if path not in self.files:
            return 404, b"", {"X-Error-Code": "EntryNotFound", **commit}
        return 200, self.files[path], {"ETag": f'"{self._oid(path)}"', **commit}

    def _tree(self, under: str, *, deep: bool) -> list[dict[str, Any]]:
        inside = [p for p in self.files if p.startswith(f"{under}/" if under else "")]
        skip = len(under) + 1 if under else 0
        direct = {p if deep else p[:skip] + p[skip:].split("/")[0] for p in inside}
        return [entry for path in sorted(direct) for entry in self._entry(path)]

    def _entry(self, path: str) -> list[dict[str, Any]]:
        if path in self.files:
            size = len(self.files[path])
            return [{"type": "file", "path": path, "size": size, "oid": self._oid(path)}]
        folder = any(file.startswith(f"{path}/") for file in self.files)
        return [{"type": "directory", "path": path, "size": 0, "oid": "0" * 40}] if folder else []

    def _oid(self, path: str) -> str:
        return hashlib.sha1(self.files[path]).hexdigest()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                asked = urlparse(self.path)
                status, body, headers = hub.answer(asked.path, asked.query, self.rfile.read(size))
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_POST = do_GET  # noqa: N815 - the server library's names

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def pairs(count: int, reply: str = "yes") -> list[dict[str, Any]]:
    return [
        {"prompt": f"q{n}", "chosen": f"{reply} {n}", "rejected": f"no {n}"} for n in range(count)
    ]


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    server.push("train", pairs(4))
    server.push("test", pairs(2, "held"))
    yield server
    server.close()


@pytest.fixture
def python(tmp_path: Path) -> Any:
    """A function that runs `python ARGUMENTS` with its own hub cache: exit code, output, errors."""

    def run(*arguments: object, **environment: str) -> tuple[int, str, str]:
        keep = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
        own = {"HF_HOME": str(tmp_path / "hf"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
            cwd=tmp_path,
            env={**keep, **own, **environment},
        )
        return done.returncode, done.stdout, done.stderr

    return run


def recipe(folder: Path, base: Path, data: str, probe: str) -> Path:
    path = folder / "r.yaml"
    train = {
        "data": data,
        "probe": probe,
        "method": "dpo",
        "max_steps": 1,
        "prompts_per_step": 2,
        "form": "padded",
    }
    path.write_text(yaml.safe_dump({"name": "small", "base": str(base), "train": train}))
    return path


NCA = ("-m", "harness.cli.main")
TRAIN = (*NCA, "train", "r.yaml", "--tracking", "none")


def resolved(folder: Path) -> dict[str, dict[str, Any]]:
    """Run folder -> its resolved training config."""
    found = sorted(folder.glob("runs/small-*/recipe.resolved.yaml"))
    return {f.parent.name: yaml.safe_load(f.read_text())["checkpoints"]["dpo"] for f in found}


def test_a_run_on_hub_data_is_pinned_to_its_commit_and_needs_no_hub_again(
    hub: Hub, python: Any, tmp_path: Path, tiny_model: Path
) -> None:
    recipe(tmp_path, tiny_model, f"hub:{NAME}", f"hub:{NAME}:test")
    code, out, error = python(*TRAIN, HF_ENDPOINT=hub.url)
    assert code == 0, error
    assert "train data: 4 rows, 4 prompts used" in out
    assert "probe data: 2 rows, 2 prompts used" in out
    first = hub.commit
    (config,) = resolved(tmp_path).values()
    assert config["data"] == f"hub:{NAME}@{first}"
    assert config["probe"] == f"hub:{NAME}@{first}:test"

    code, out, error = python(*TRAIN, HF_HUB_OFFLINE="1")
    assert (code, "done already" in out) == (0, True), error
    assert len(resolved(tmp_path)) == 1

    hub.push("train", pairs(4, "of course"))
    _, out, error = python(*NCA, "data", "show", "r.yaml", "--row", "2", HF_ENDPOINT=hub.url)
    assert f"hub:{NAME}@{hub.commit}\n" in out, error
    assert "[o][f][ ][c][o][u][r][s][e][ ][1][<|im_end|>]" in out


READ = """
import sys
from train.data.groups import read_groups
from train.errors import DataError
for name in sys.argv[1:]:
    try:
        groups, report = read_groups(name)
        print(report.rows, groups[-1].source, groups[-1].responses[0])
    except DataError as error:
        print(error)
"""


def test_names_on_the_hub_and_what_is_wrong_with_them(hub: Hub, python: Any) -> None:
    names = [
        f"hub:{NAME}",
        f"hub:{NAME}/default@main:test",
        f"hub:{NAME}@{hub.commit}:train[:3]",
        f"hub:{NAME}:dev",
        f"hub:{NAME}/other",
        "hub:own/nothing",
        "hub:pairs",
    ]
    _, out, error = python("-c", READ, *names, HF_ENDPOINT=hub.url)
    lines = out.splitlines()
    assert len(lines) == len(names), error
    assert lines[0] == "4 pairs:4 yes 3"
    assert lines[1] == "2 default:test:2 held 1"
    assert lines[2] == "3 pairs:train[:3]:3 yes 2"
    for line, said in zip(
        lines[3:],
        ["['train', 'test']", "'other' not found", "doesn't exist on the Hub", "write hub:OWNER"],
        strict=True,
    ):
        assert said in line
    assert not error

    absent = f"hub:{NAME}@{'0' * 40}"
    _, out, error = python("-c", READ, f"hub:{NAME}", absent, "hub:own/never", HF_HUB_OFFLINE="1")
    cached, other, never = out.splitlines()
    assert cached == "4 pairs:4 yes 3"
    assert f"the copy here is of commit {hub.commit}" in other
    assert "hub:own/never: cannot be loaded" in never
    assert "name its folder or file" in never
    assert not error


def test_a_folder_is_trained_on_and_its_files_are_the_run_folders_key(
    python: Any, tmp_path: Path, tiny_model: Path
) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    for part, rows in enumerate([pairs(2), pairs(3, "sure")]):
        (folder / f"{part}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    recipe(tmp_path, tiny_model, "parts", "parts/0.jsonl")
    code, out, error = python(*TRAIN)
    assert code == 0, error
    assert "train data: 5 rows, 5 prompts used" in out
    summary = json.loads(next(tmp_path.glob("runs/*/train/dpo/summary.json")).read_text())
    assert summary["train"]["data"]["rows"] == 5
    assert summary["train"]["data"]["identical"] == 0
    places = Places(runs=tmp_path / "runs", models=tmp_path, near=(tmp_path,))
    plan = make_plan(read_recipe(tmp_path / "r.yaml"), places)
    assert [plan.folder.path.name] == list(resolved(tmp_path))
    (folder / "1.jsonl").write_text(json.dumps(pairs(1, "other")[0]))
    assert make_plan(plan.recipe, places).key != plan.key
