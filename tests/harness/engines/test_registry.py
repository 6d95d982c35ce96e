"""The registry of engines: a new one is a class and an entry, and evaluates suites at once."""

import sys
from pathlib import Path

import pytest

from eval_suites.requests import Likelihood, Request
from harness.cli.parse import engine_choice
from harness.engines.base import CAPABILITIES, Completion, Engine
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import ENGINES, capabilities_of, make
from harness.errors import RecipeError
from harness.evaluate.client.job import EvalJob
from harness.evaluate.loop.loop import run
from harness.progress.events import silent
from harness.storage.atomic_files import read_lines
from harness.storage.run_folder import RunFolder


class Parrot(Engine):
    """An engine that answers 7 to everything."""

    name = "parrot"
    version = "1"
    capabilities = frozenset({"messages", "sampling"})

    def __init__(self, spec: EngineSpec) -> None:
        self.spec = spec

    async def complete(self, request: Request) -> Completion:
        return Completion(("The answer is 7.",) * request.n, ("stop",) * request.n)

    async def loglikelihood(
        self, prefix: tuple[int, ...], continuation: tuple[int, ...], model: str = ""
    ) -> Likelihood:
        raise NotImplementedError


@pytest.mark.parametrize("by_name", [True, False])
def test_an_engine_that_is_entered_evaluates_a_suite(
    by_name: bool, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tests_parrot", sys.modules[__name__])
    monkeypatch.setitem(ENGINES, "parrot", "tests_parrot:Parrot" if by_name else Parrot)
    job = EvalJob(
        models={"base": str(tiny_model)},
        fingerprints={"base": "one"},
        suites={"arithmetic": 20},
        repeats=1,
        engine=EngineChoice(name="parrot"),
        run=tmp_path / "run",
        journal=tmp_path / "journal.sqlite",
    )

    run(job, silent)

    lines = read_lines(RunFolder(job.run).sample_log("base", "arithmetic"))
    assert {line["extracted"] for line in lines} == {"7"}
    assert len(lines) == 20


def test_capabilities_are_known_without_an_engine() -> None:
    assert all(capabilities_of(name) <= CAPABILITIES for name in ENGINES)
    assert [name for name in ENGINES if EngineChoice(name=name).remote] == ["openai"]
    assert "tokens" in capabilities_of("vllm")
    assert (EngineChoice().in_flight, EngineChoice(name="openai").in_flight) == (1024, 64)
    assert engine_choice(None, "").name == "vllm"
    assert engine_choice(None, "http://x/v1").name == "openai"


def test_an_unknown_engine_is_refused() -> None:
    for unknown in (
        lambda: make(EngineSpec(EngineChoice(name="parrots"))),
        lambda: capabilities_of("parrots"),
    ):
        with pytest.raises(RecipeError, match="no engine is called 'parrots': use one of vllm"):
            unknown()
