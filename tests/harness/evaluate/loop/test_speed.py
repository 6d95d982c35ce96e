"""Speeds that evaluations leave: of this machine, engine and shape of model, or of none."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from harness.engines.options import EngineChoice, EngineSpec
from harness.evaluate.loop.speed import FILE, Setting, Speed, measured, recorded, setting_of
from harness.storage.atomic_files import read_lines
from harness.storage.hashing import canonical


@pytest.fixture
def spec(tmp_path: Path) -> EngineSpec:
    return EngineSpec(EngineChoice(name="fake"), base=checkpoint(tmp_path / "base", hidden_size=64))


def checkpoint(folder: Path, **config: object) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    return folder


def keep(runs: Path, run: str, *lines: object) -> None:
    folder = runs / run / "eval"
    folder.mkdir(parents=True)
    (folder / FILE).write_text("".join(canonical(line) + "\n" for line in lines))


def line(setting: Setting, tokens: object, seconds: object) -> dict[str, object]:
    return {**asdict(setting), "tokens": tokens, "seconds": seconds}


def test_what_was_generated_in_the_block_is_kept_and_found_again(
    spec: EngineSpec, tmp_path: Path
) -> None:
    so_far = [(100, 1.0), (100, 3.0)]
    with recorded(tmp_path / "one" / "eval", spec, lambda: so_far[-1]):
        so_far.append((1300, 7.0))

    found = measured(tmp_path, setting_of(spec))

    assert found == Speed("one", 1200, 4.0)
    assert found.rate == 300.0


@pytest.mark.parametrize("after", [(100, 9.0), (900, 1.0)])
def test_without_tokens_or_seconds_there_is_no_speed(
    spec: EngineSpec, tmp_path: Path, after: tuple[int, float]
) -> None:
    so_far = [(100, 1.0)]
    with recorded(tmp_path / "eval", spec, lambda: so_far[-1]):
        so_far.append(after)

    assert not (tmp_path / "eval").exists()


def test_an_evaluation_that_failed_leaves_none(spec: EngineSpec, tmp_path: Path) -> None:
    so_far = [(0, 0.0)]

    def failing() -> None:
        with recorded(tmp_path / "eval", spec, lambda: so_far[-1]):
            so_far.append((900, 9.0))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert not (tmp_path / "eval").exists()


def test_of_several_the_one_over_the_most_tokens_counts(spec: EngineSpec, tmp_path: Path) -> None:
    own = setting_of(spec)
    keep(tmp_path, "new", line(own, 50, 1.0))
    keep(tmp_path, "old", line(own, 10, 9.0), line(own, 7000, 10.0))

    assert measured(tmp_path, own) == Speed("old", 7000, 10.0)
    assert len(read_lines(tmp_path / "old" / "eval" / FILE)) == 2


def test_other_machines_engines_and_models_say_nothing(spec: EngineSpec, tmp_path: Path) -> None:
    own = setting_of(spec)
    larger = replace(spec, base=checkpoint(tmp_path / "larger", hidden_size=128))
    others = [
        replace(own, host="elsewhere"),
        replace(own, engine="vllm"),
        replace(own, dtype="bfloat16"),
        setting_of(larger),
    ]
    keep(tmp_path, "others", *(line(other, 500, 1.0) for other in others))

    assert measured(tmp_path, own) is None
    assert all(measured(tmp_path, other) for other in others)


def test_a_trained_checkpoint_has_the_speed_of_its_shape_and_an_endpoint_its_own(
    spec: EngineSpec, tmp_path: Path
) -> None:
    trained = checkpoint(tmp_path / "trained", hidden_size=64, torch_dtype="float32")
    here, there = (EngineChoice(name="openai", base_url=f"http://{host}/v1") for host in "ab")
    served = EngineSpec(here, served=(("x", "m"), ("y", "n")))

    assert setting_of(replace(spec, base=trained)) == setting_of(spec)
    assert setting_of(served) == setting_of(replace(served, served=(("z", "n"), ("w", "m"))))
    assert setting_of(served) != setting_of(replace(served, settings=there))
    assert setting_of(served) != setting_of(replace(served, served=(("x", "m"),)))


@pytest.mark.parametrize("bad", [line(Setting("h", "e", "d", "m"), 5, 0.0), {}, 5])
def test_lines_that_say_nothing_are_left_out(tmp_path: Path, bad: object) -> None:
    own = Setting("h", "e", "d", "m")
    keep(tmp_path, "run", bad, line(own, "many", 1.0), line(own, 5, None), line(own, 6, 2.0))
    with (tmp_path / "run" / "eval" / FILE).open("a") as file:
        file.write('{"host": "h", "tok')

    assert measured(tmp_path, own) == Speed("run", 6, 2.0)
