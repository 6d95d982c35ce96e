"""Files and folders as sources: every kind reads the same, faults are named, bytes identify."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from train.data.groups import read_group, read_groups
from train.data.sources import fingerprint
from train.errors import DataError

ROW = {"prompt": "2+2?", "responses": ["4", "5", "fish"], "rewards": [1, 0.5, 0]}


def test_every_kind_of_file_reads_the_same(tmp_path: Path, write_jsonl: Any) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    lines = write_jsonl("data.jsonl", [ROW, ROW])
    (tmp_path / "data.json").write_text(json.dumps([ROW, ROW]))
    (tmp_path / "data.jsonl.gz").write_bytes(gzip.compress(lines.read_bytes()))
    parquet.write_table(pa.Table.from_pylist([ROW, ROW]), tmp_path / "data.parquet")
    expected = [(g.messages, g.responses, g.rewards) for g in read_groups(lines)[0]]
    for name in ("data.json", "data.jsonl.gz", "data.parquet"):
        groups, _ = read_groups(tmp_path / name)
        assert [(g.messages, g.responses, g.rewards) for g in groups] == expected


def test_bad_files_are_named(tmp_path: Path, write_jsonl: Any) -> None:
    (tmp_path / "torn.jsonl").write_text(json.dumps(ROW) + '\n{"prompt": "q", "resp')
    (tmp_path / "object.json").write_text("{}")
    (tmp_path / "bad.jsonl.gz").write_bytes(b"plain")
    (tmp_path / "latin.jsonl").write_bytes(b'{"prompt": "\xe9"}')
    for name, complaint in [
        ("torn.jsonl", "torn.jsonl, row 2: not JSON"),
        ("object.json", "holds a list of rows"),
        ("bad.jsonl.gz", "damaged gzip"),
        ("latin.jsonl", "not UTF-8 at byte 12"),
        ("absent.jsonl", "no such data file"),
    ]:
        with pytest.raises(DataError, match=complaint):
            read_groups(tmp_path / name)
    with pytest.raises(DataError, match="no usable row"):
        read_groups(write_jsonl("empty.jsonl", []))


def test_a_folder_is_read_in_order_of_name_and_its_bad_rows_are_named(
    tmp_path: Path, write_jsonl: Any
) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    folder = tmp_path / "folder"
    folder.mkdir()
    rows = [{**ROW, "prompt": name} for name in "abcd"]
    (folder / "part-1.json").write_text(json.dumps([rows[1]]))
    (folder / "part-0.jsonl.gz").write_bytes(gzip.compress(json.dumps(rows[0]).encode()))
    parquet.write_table(pa.Table.from_pylist(rows[2:]), folder / "part-2.parquet")
    (folder / "README.md").write_text("not data")
    groups, report = read_groups(folder)
    assert [group.messages[0][1] for group in groups] == list("abcd")
    assert [group.source for group in groups][::3] == ["part-0.jsonl.gz:1", "part-2.parquet:2"]
    assert report.rows == 4
    assert read_group(folder, 3) == ("part-2.parquet:1", groups[2])
    with pytest.raises(DataError, match="has no row 5"):
        read_group(folder, 5)
    (folder / "part-3.jsonl").write_text(json.dumps(ROW) + '\n{"prompt": "q"}\n')
    with pytest.raises(DataError, match=r"folder/part-3\.jsonl, row 2: no known row format has"):
        read_groups(folder)
    (tmp_path / "hollow").mkdir()
    with pytest.raises(DataError, match="hollow: no data file there"):
        read_groups(tmp_path / "hollow")


def test_a_folder_that_datasets_saved_is_read_split_by_split(tmp_path: Path) -> None:
    from datasets import Dataset, DatasetDict

    rows = [{"prompt": f"q{n}", "chosen": "a", "rejected": "b"} for n in range(3)]
    data = Dataset.from_list(rows)
    DatasetDict({"train": data, "test": data.select([0])}).save_to_disk(tmp_path / "both")
    groups, _ = read_groups(tmp_path / "both" / "train")
    assert [group.messages[0][1] for group in groups] == ["q0", "q1", "q2"]
    assert groups[2].source == "train:3"
    with pytest.raises(DataError, match="holds the splits train, test; name the folder of one"):
        read_groups(tmp_path / "both")
    for file in (tmp_path / "both" / "train").glob("*.arrow"):
        file.write_bytes(b"torn")
    with pytest.raises(DataError, match="train: cannot be loaded"):
        read_groups(tmp_path / "both" / "train")


def test_an_identity_follows_the_bytes_and_names_of_all_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    file = folder / "a.jsonl"
    file.write_text("{}")
    seen = [fingerprint(str(file)), fingerprint(str(folder))]
    (folder / "notes.txt").write_text("no data")
    assert seen == [fingerprint(str(file)), fingerprint(str(folder))]
    (folder / "b.jsonl").write_text("{}")
    seen.append(fingerprint(str(folder)))
    file.write_text("{} ")
    seen += [fingerprint(str(file)), fingerprint(str(folder))]
    file.rename(folder / "c.jsonl")
    seen.append(fingerprint(str(folder)))
    assert len(set(seen)) == len(seen)
    with pytest.raises(DataError, match="no such data file or folder"):
        fingerprint(str(tmp_path / "absent"))
