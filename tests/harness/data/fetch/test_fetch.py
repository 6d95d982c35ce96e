"""Fetching benchmark files: from a server on this machine that behaves as badly as real ones."""

import gzip
import hashlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from eval_suites.errors import DataError
from eval_suites.registry import SUITES, find
from harness.data.fetch.download import Patience, Unreachable
from harness.data.fetch.fetch import LOCK, Done, fetch, is_right
from harness.data.fetch.manifest import Columns, Entry, Literal, chosen, entries
from harness.errors import StageBusy, UserError
from harness.storage.locks import locked

QUICK = Patience(tries=3, backoff_s=0.01, timeout_s=10.0)
COMMIT = "c" * 40
TEXT = b"".join(b"line %d\n" % number for number in range(2000))


@dataclass(frozen=True)
class Cut:
    """Send so many bytes of the body, then end the connection; `held` waits for the gate first."""

    after: int
    held: bool = False


class Upstream(ThreadingHTTPServer):
    """Files by address, what goes wrong with the next requests for each, and what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[int | Cut]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.ranges = True
        self.gate = threading.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def offer(self, entry: Entry, data: bytes, *faults: int | Cut) -> None:
        path = unquote(entry.url(""))
        self.files[path] = data
        self.faults[path] = list(faults)


class Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_GET(self) -> None:
        path, asked = unquote(self.path), self.headers.get("Range")
        self.server.asked.append((path, asked))
        faults = self.server.faults.get(path) or [0]
        fault = faults.pop(0)
        data = self.server.files.get(path)
        start = int(asked[6:-1]) if asked and self.server.ranges else 0
        if isinstance(fault, int) and fault:
            self.answer(fault, b"busy")
        elif data is None:
            self.answer(404, b"no such file")
        elif start >= len(data):
            self.answer(416, b"")
        else:
            self.answer(206 if start else 200, data[start:], fault)

    def answer(self, status: int, body: bytes, fault: int | Cut = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: fault.after] if isinstance(fault, Cut) else body)
        self.wfile.flush()
        if isinstance(fault, Cut):
            if fault.held:
                self.server.gate.wait(60)
            self.close_connection = True

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.gate.set()
        server.shutdown()
        thread.join()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def entry(
    path: str = "suite/rows.txt",
    data: bytes = TEXT,
    upstream: str = "data/rows one.txt",
    extract: Literal | Columns | None = None,
) -> Entry:
    return Entry(path, ("suite",), "owner/name", COMMIT, upstream, "MIT", sha256(data), extract)


def run(folder: Path, upstream: Upstream, *wanted: Entry) -> tuple[Done, ...]:
    return tuple(fetch(wanted, folder, upstream.base, QUICK))


def left(folder: Path) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in files if path.name != LOCK}


def test_files_come_as_upstream_has_them_or_compressed(tmp_path: Path, upstream: Upstream) -> None:
    plain = entry()
    packed = entry("suite/deep/rows.jsonl.gz", TEXT, "data/rows.jsonl")
    already = entry("already.gz", gzip.compress(b"x", mtime=0), "already.gz")
    upstream.offer(plain, TEXT)
    upstream.offer(packed, TEXT)
    upstream.offer(already, gzip.compress(b"x", mtime=0))

    done = run(tmp_path / "new", upstream, plain, packed, already)

    assert [one.state for one in done] == ["fetched"] * 3
    assert (tmp_path / "new/suite/rows.txt").read_bytes() == TEXT
    kept = (tmp_path / "new/suite/deep/rows.jsonl.gz").read_bytes()
    assert gzip.decompress(kept) == TEXT
    assert kept == gzip.compress(TEXT, mtime=0)
    assert (tmp_path / "new/already.gz").read_bytes() == gzip.compress(b"x", mtime=0)
    assert [one.size for one in done] == [len(TEXT), len(kept), len(gzip.compress(b"x", mtime=0))]
    assert left(tmp_path / "new") == {one.path for one in (plain, packed, already)}


def test_what_is_there_is_not_asked_for_again(tmp_path: Path, upstream: Upstream) -> None:
    both = entry(), entry("rows.gz")
    for one in both:
        upstream.offer(one, TEXT)
    run(tmp_path, upstream, *both)
    asked = len(upstream.asked)
    (tmp_path / "rows.gz.part").write_bytes(TEXT)

    done = run(tmp_path, upstream, *both)

    assert [one.state for one in done] == ["there", "there"]
    assert len(upstream.asked) == asked == 2
    assert left(tmp_path) == {one.path for one in both}


@pytest.mark.parametrize(
    "damaged", [b"other", gzip.compress(TEXT, mtime=0)[:-9], gzip.compress(b"other", mtime=0)]
)
def test_a_file_with_a_wrong_sum_is_replaced(
    damaged: bytes, tmp_path: Path, upstream: Upstream
) -> None:
    one = entry("rows.gz")
    (tmp_path / "rows.gz").write_bytes(damaged)
    upstream.offer(one, TEXT)

    (done,) = run(tmp_path, upstream, one)

    assert done.state == "replaced"
    assert is_right(one, tmp_path / "rows.gz")


def test_a_dropped_connection_is_gone_on_with(tmp_path: Path, upstream: Upstream) -> None:
    one = entry()
    upstream.offer(one, TEXT, Cut(100), 503, Cut(1000), Cut(0), Cut(0))

    (done,) = run(tmp_path, upstream, one)

    assert done.state == "fetched"
    ranges = [asked for _, asked in upstream.asked]
    assert ranges == [None, "bytes=100-", "bytes=100-", *["bytes=1100-"] * 3]
    assert (tmp_path / one.path).read_bytes() == TEXT


def test_a_server_that_falls_silent_is_asked_again(tmp_path: Path, upstream: Upstream) -> None:
    one = entry()
    upstream.offer(one, TEXT, Cut(100, held=True))

    (done,) = fetch([one], tmp_path, upstream.base, Patience(3, 0.01, timeout_s=0.5))

    assert done.state == "fetched"
    assert [asked for _, asked in upstream.asked] == [None, "bytes=100-"]


def test_a_server_without_ranges_sends_all_again(tmp_path: Path, upstream: Upstream) -> None:
    one = entry()
    upstream.ranges = False
    upstream.offer(one, TEXT, Cut(100))

    (done,) = run(tmp_path, upstream, one)

    assert done.state == "fetched"
    assert (tmp_path / one.path).read_bytes() == TEXT


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(status: int, tmp_path: Path, upstream: Upstream) -> None:
    one = entry()
    upstream.offer(one, TEXT, status, status)

    (done,) = run(tmp_path, upstream, one)

    assert done.state == "fetched"
    assert len(upstream.asked) == 3


def test_what_is_not_there_is_passed_over(tmp_path: Path, upstream: Upstream) -> None:
    missing, one = entry("gone.txt", upstream="gone.txt"), entry()
    upstream.offer(one, TEXT)

    done = run(tmp_path, upstream, missing, one)

    assert [each.state for each in done] == ["failed", "fetched"]
    assert f"{upstream.base}/owner/name/{COMMIT}/gone.txt: 404" in done[0].error
    assert "--base-url" in done[0].error
    assert len(upstream.asked) == 2
    assert left(tmp_path) == {one.path}


def test_wrong_bytes_are_told_with_both_sums_and_never_kept(
    tmp_path: Path, upstream: Upstream
) -> None:
    wrong, one = entry(), entry("other.txt", upstream="other.txt")
    upstream.offer(wrong, TEXT + b"more")
    upstream.offer(one, TEXT)
    (tmp_path / "suite").mkdir()
    (tmp_path / wrong.path).write_bytes(b"old")

    done = run(tmp_path, upstream, wrong, one)

    assert [each.state for each in done] == ["failed", "fetched"]
    for part in (wrong.path, sha256(TEXT), sha256(TEXT + b"more"), "--base-url"):
        assert part in done[0].error
    assert (tmp_path / wrong.path).read_bytes() == b"old"
    assert left(tmp_path) == {wrong.path, one.path}


@pytest.mark.parametrize(
    ("part", "ranges"),
    [
        (TEXT[:500], ["bytes=500-"]),
        (TEXT, []),
        (b"z" * 500, ["bytes=500-", None]),
        (TEXT + b"z", [f"bytes={len(TEXT) + 1}-", None]),
        (b"", [None]),
    ],
)
def test_a_part_is_gone_on_with_where_it_fits(
    part: bytes, ranges: list[str | None], tmp_path: Path, upstream: Upstream
) -> None:
    one = entry("rows.gz")
    upstream.offer(one, TEXT)
    (tmp_path / "rows.gz.part").write_bytes(part)

    (done,) = run(tmp_path, upstream, one)

    assert done.state == "fetched"
    assert [asked for _, asked in upstream.asked] == ranges
    assert is_right(one, tmp_path / "rows.gz")
    assert left(tmp_path) == {"rows.gz"}


def test_a_server_that_is_lost_ends_all_and_loses_nothing(
    tmp_path: Path, upstream: Upstream
) -> None:
    first, second = entry(), entry("second.txt", upstream="second.txt")
    upstream.offer(first, TEXT)
    upstream.offer(second, TEXT, Cut(700), *[Cut(0)] * 9)

    with pytest.raises(Unreachable, match=r"second\.txt cannot be had .* goes on") as told:
        run(tmp_path, upstream, first, second)

    assert "\n" not in str(told.value)
    assert is_right(first, tmp_path / first.path)
    assert (tmp_path / "second.txt.part").read_bytes() == TEXT[:700]


KILLED = """
import sys
from pathlib import Path
from harness.data.fetch.fetch import fetch
from harness.data.fetch.manifest import Entry
path, sha, base, folder = sys.argv[1:]
one = Entry(path, ("suite",), "owner/name", "c" * 40, "data/rows one.txt", "MIT", sha)
print(*fetch([one], Path(folder), base))
"""


def test_killed_and_started_again_it_asks_for_the_rest_only(
    tmp_path: Path, upstream: Upstream
) -> None:
    one = entry()
    upstream.offer(one, TEXT, Cut(3000, held=True))
    command = [sys.executable, "-c", KILLED, one.path, one.sha256, upstream.base, str(tmp_path)]
    process = subprocess.Popen(command)
    part = tmp_path / f"{one.path}.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size == 3000) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert left(tmp_path) == {f"{one.path}.part"}

    (done,) = run(tmp_path, upstream, one)

    assert done.state == "fetched"
    assert upstream.asked[-1][1] == "bytes=3000-"
    assert (tmp_path / one.path).read_bytes() == TEXT
    assert left(tmp_path) == {one.path}


def test_a_folder_is_filled_by_one_process(tmp_path: Path, upstream: Upstream) -> None:
    with locked(tmp_path, LOCK), pytest.raises(StageBusy, match="works on this data folder"):
        run(tmp_path, upstream, entry())


def test_a_folder_that_is_none_is_refused(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(UserError, match=r"file.*cannot be written.*--data-dir"):
            run(folder, upstream, entry())


PAIRS = b"""
import os
raise SystemExit("never run")
other = [1]
examples = [
    ('a \\\\times \\f', r'b \\frac'),
    ("c \xe2\x89\x88", "d" "e"),
]
"""
DICTS = b"""
def list_of() -> list:
    return [{"problem": "a", "few_shot": "1"}]
"""
ROWS = [{"q": "a \\times \f", "s": r"b \frac"}, {"q": "c ≈", "s": "de"}]


def test_a_list_is_taken_out_of_a_python_file(tmp_path: Path, upstream: Upstream) -> None:
    expected = json.dumps(ROWS, indent=1, ensure_ascii=False).encode()
    one = entry("few.json", expected, "examples.py", Literal("examples", ("q", "s")))
    upstream.offer(one, PAIRS)

    (done,) = run(tmp_path, upstream, one)

    assert done.state == "fetched"
    assert json.loads((tmp_path / "few.json").read_text(encoding="utf-8")) == ROWS
    assert is_right(one, tmp_path / "few.json")
    assert json.loads(Literal("list_of", ()).as_json(DICTS)) == [{"problem": "a", "few_shot": "1"}]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"examples = [open('x')]", "malformed node"),
        (b"example = []", "no list called examples"),
        (b"examples = [('a',)]", "argument 2"),
        (b"def examples():\n    pass", "no list called examples"),
        (b"examples = [", "no Python"),
    ],
)
def test_a_python_file_without_the_list_is_told(
    source: bytes, said: str, tmp_path: Path, upstream: Upstream
) -> None:
    one = entry("few.json", b"[]", "examples.py", Literal("examples", ("q", "s")))
    upstream.offer(one, source)

    (done,) = run(tmp_path, upstream, one)

    assert done.state == "failed"
    assert said in done.error
    assert left(tmp_path) == set()


def test_the_manifest_names_each_file_once_with_all_that_is_needed() -> None:
    found = entries()
    assert len({one.path for one in found}) == len(found)
    assert len({one.url("") for one in found}) == len(found)
    for one in found:
        assert len(bytes.fromhex(one.sha256)) == 32
        assert len(bytes.fromhex(one.commit)) == 20
        assert one.repository.count("/") == 1
        assert one.licence
        assert one.suites


def test_files_are_chosen_by_suite() -> None:
    assert {one.path.split("/")[0] for one in chosen(["bbh", "svamp"])} == {"bbh", "svamp"}
    variants = [name for name in SUITES if ":" in name]
    for name in (name for name in variants if not name.startswith("arithmetic")):  # has no file
        assert chosen([name]) == chosen([name.partition(":")[0]])
    assert chosen([]) == entries()
    with pytest.raises(UserError, match=r"'gsm9k': name some of alpaca_eval, alpaca_eval_1, asdiv"):
        chosen(["gsm8k", "gsm9k"])


def test_the_real_files_hold_what_the_manifest_names(data_dir: Path) -> None:
    here = [one for one in entries() if (data_dir / one.path).is_file()]
    assert here
    assert [one.path for one in here if not is_right(one, data_dir / one.path)] == []


#: Its file has no entry: the sum of the whole set is not known to us.
NOT_FETCHED = {"gsm_plus", "gsm_plus:eurus"}


@pytest.mark.parametrize("name", sorted(set(SUITES) - NOT_FETCHED))
def test_the_files_of_a_suite_are_all_that_it_reads(
    name: str, tmp_path: Path, data_dir: Path
) -> None:
    try:
        find(name).load(None)
    except DataError:
        for one in chosen([name]):
            (tmp_path / one.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / one.path).symlink_to(data_dir / one.path)
        assert find(name).load(tmp_path)


def sent(one: Entry, folder: Path) -> bytes:
    """What upstream would send for a file of the data folder."""
    raw = (folder / one.path).read_bytes()
    raw = gzip.decompress(raw) if one.packed else raw
    if isinstance(one.extract, Literal):
        return f"def {one.extract.name}():\n    return {json.loads(raw)!r}\n".encode()
    if one.extract:
        keys = one.extract.keys
        rows = [{keys[name]: value for name, value in row.items()} for row in json.loads(raw)]
        return json.dumps([{"preference": 2.0, **row} for row in rows]).encode()
    return raw


def test_columns_of_an_array_are_kept_under_our_names() -> None:
    columns = Columns({"output": "output_1", "generator": "generator_1"})
    source = b'[{"output_1": "\xc3\xa4", "generator_1": "a", "output_2": "b"}]'
    assert json.loads(columns.as_json(source)) == [{"output": "ä", "generator": "a"}]
    for bad in (b"[{}]", b"[1]", b"3", b"{"):
        with pytest.raises(ValueError, match=r"output_1|Expecting"):
            columns.as_json(bad)


def test_the_command_fills_a_folder_with_every_file(
    tmp_path: Path,
    data_dir: Path,
    upstream: Upstream,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = [one for one in entries() if (data_dir / one.path).is_file()]
    for one in here:
        upstream.offer(one, sent(one, data_dir))

    code = nca("data", "fetch", "--data-dir", tmp_path, "--base-url", upstream.base)

    printed = capsys.readouterr().out.splitlines()
    assert code == (0 if len(here) == len(entries()) else 2)
    assert len(printed) == len(entries()) + 1
    assert printed[0].startswith(f"fetched  {entries()[0].path}  ")
    assert printed[-1].startswith(f"{len(entries())} files at {tmp_path}: {len(here)} fetched")
    assert all(is_right(one, tmp_path / one.path) for one in here)


def test_without_a_folder_the_command_fills_one_where_every_command_looks(
    tmp_path: Path,
    data_dir: Path,
    upstream: Upstream,
    nca: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("NCA_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert nca("suites", "show", "svamp") == 2
    remedy = capsys.readouterr().err
    assert f"{tmp_path}/nca/data/svamp" in remedy
    assert "nca data fetch" in remedy
    for one in chosen(["svamp"]):
        upstream.offer(one, sent(one, data_dir))

    assert nca("data", "fetch", "svamp", "--base-url", upstream.base) == 0
    assert nca("suites", "show", "svamp") == 0


def test_without_a_network_the_command_ends_with_one_line(
    tmp_path: Path, upstream: Upstream, nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = Upstream()
    nobody.server_close()
    command = ("data", "fetch", "gsm8k", "--data-dir", tmp_path, "--tries", 1)

    code = nca(*command, "--base-url", nobody.base)

    error = capsys.readouterr().err
    assert code == 2
    assert error.count("\n") == 1
    assert "Connection refused" in error
    assert "check the connection" in error
    assert left(tmp_path) == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gsm9k", "--data-dir", "new"), "name some of"),
        (("gsm8k", "--data-dir", "new", "--base-url", "file:///"), "only http and https"),
    ],
)
def test_a_mistake_ends_with_exit_code_2_and_a_remedy(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NCA_DATA_DIR", raising=False)
    assert nca("data", "fetch", *arguments) == 2
    assert said in capsys.readouterr().err
