"""Faults of benchmark files are told with file, row and remedy."""

import gzip
import json
from pathlib import Path

import pytest

from eval_suites.errors import DataError
from eval_suites.files import read_array, read_rows


def write(folder: Path, name: str, data: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


@pytest.mark.parametrize(
    "data", [b"no gzip", gzip.compress(b"{}" * 999, mtime=0)[:-9], gzip.compress(b"\xff", mtime=0)]
)
def test_a_damaged_file_is_named(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"rows\.jsonl\.gz cannot be read"):
        list(read_rows(tmp_path, "rows.jsonl.gz", ()))


def test_a_line_separator_inside_a_text_is_no_new_row(tmp_path: Path) -> None:
    write(tmp_path, "rows.jsonl", '{"q": "a\u2028b"}\n'.encode())
    assert [row for _, row in read_rows(tmp_path, "rows.jsonl", ("q",))] == [{"q": "a\u2028b"}]


def test_an_array_is_read_whole_or_from_under_a_key(tmp_path: Path) -> None:
    rows = [{"q": "a"}, {"q": "b"}]
    write(tmp_path, "rows.json.gz", json.dumps(rows).encode())
    write(tmp_path, "under.json", json.dumps({"rows": rows}).encode())
    assert list(read_array(tmp_path, "rows.json.gz", ("q",))) == [(0, rows[0]), (1, rows[1])]
    assert list(read_array(tmp_path, "under.json", ("q",), key="rows")) == list(enumerate(rows))


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("{", "", ": no JSON \\("),
        ("{}", "", ": no JSON array"),
        ("[]", "rows", ": no array under 'rows'"),
        ('{"rows": 3}', "rows", ": no array under 'rows'"),
        ('[{"q": "a"}, 3]', "", ", row 1: no JSON object"),
        ('[{"q": "a"}, {}]', "", ", row 1: 'q' is missing"),
    ],
)
def test_a_malformed_array_is_named(text: str, key: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, "rows.json", text.encode())
    with pytest.raises(DataError, match=rf"rows\.json{message}"):
        list(read_array(tmp_path, "rows.json", ("q",), key=key))
