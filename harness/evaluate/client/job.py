"""The job handed to an evaluation stage."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.engines.options import EngineChoice
from harness.recipe.schema import DecodingChanges, JudgeChoice


class EvalJob(BaseModel):
    """A resolved evaluation stage.

    Attributes:
        models: name -> checkpoint folder (local engines) or served name (endpoints), table order.
        fingerprints: name -> fingerprint of the weights, for the journal.
        suites: name -> number of samples, None for all.
        decoding: settings in place of the suites' own.
        judge: the engine that judges; its `model` is a folder or a served name.
        judge_fingerprint: of the judge's model, for the journal.
        unsafe: run model-written programs also where they cannot be contained.
        audited: its prompts were looked at already (`harness.pipeline.audit.preflight`).
        lm_eval_tasks: folder of task files of lm-eval, for suites `lm_eval:NAME`.
        run: the run folder; logs go to its `eval/`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[str, str]
    fingerprints: dict[str, str]
    suites: dict[str, int | None]
    repeats: int = 1
    decoding: DecodingChanges = DecodingChanges()
    seed: int = 0
    engine: EngineChoice
    judge: JudgeChoice | None = None
    judge_fingerprint: str = ""
    unsafe: bool = False
    audited: bool = False
    data_dir: Path | None = None
    lm_eval_tasks: Path | None = None
    run: Path
    journal: Path
