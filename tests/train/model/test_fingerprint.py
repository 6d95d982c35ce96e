"""A fingerprint changes with what the model says, and with nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from train.errors import TrainError
from train.model.files import fingerprint


def test_weights_config_and_template_count_and_the_place_does_not(
    tiny_model: Path, tmp_path: Path
) -> None:
    first = fingerprint(tiny_model)
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    (copy / "README.md").write_text("notes")
    assert fingerprint(copy) == first
    for name in ("model.safetensors", "config.json", "chat_template.jinja"):
        changed = shutil.copytree(tiny_model, tmp_path / name)
        content = bytearray((changed / name).read_bytes())
        content[-3] ^= 1
        (changed / name).write_bytes(content)
        assert fingerprint(changed) != first


def test_an_adapter_is_the_same_wherever_its_base_lies(tmp_path: Path) -> None:
    prints = []
    for base in ("/a", "/b"):
        settings = {"r": 8, "base_model_name_or_path": base}
        (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
        prints.append(fingerprint(tmp_path))
    assert prints[0] == prints[1]


def test_the_memo_saves_reading_and_a_damaged_one_costs_only_time(
    tiny_model: Path, tmp_path: Path
) -> None:
    memo = tmp_path / "cache" / "fingerprints.json"
    first = fingerprint(tiny_model, memo)
    hashes = json.loads(memo.read_text())
    memo.write_text(json.dumps(dict.fromkeys(hashes, "x")))
    assert fingerprint(tiny_model, memo) != first  # it was believed
    memo.write_text("{")
    assert fingerprint(tiny_model, memo) == first


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="no checkpoint"):
        fingerprint(tmp_path)


def test_the_order_in_which_peft_writes_a_set_does_not_count(tmp_path: Path) -> None:
    prints = []
    for names in (["q_proj", "v_proj"], ["v_proj", "q_proj"]):
        (tmp_path / "adapter_config.json").write_text(json.dumps({"target_modules": names}))
        prints.append(fingerprint(tmp_path))
    assert prints[0] == prints[1]
