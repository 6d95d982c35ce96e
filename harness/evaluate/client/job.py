"""The jobs handed to the stages that evaluate, and that measure finished answers."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

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


class KlJob(BaseModel):
    """A resolved KL stage.

    Attributes:
        evaluation: that gave the answers; of its suites only those of `kl:` matter here.
        reference: checkpoint folder; an adapter's base is found as everywhere.
        reference_fingerprint: of its weights; resolved.json calls it `reference_print`.
        cache: folder of stored log-probabilities, which training shares.
        batch: prompts in one forward pass.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    evaluation: EvalJob
    reference: Path
    reference_fingerprint: str = Field(alias="reference_print")
    cache: Path
    batch: int = 8


class PairwiseJob(BaseModel):
    """A resolved pairwise stage.

    Attributes:
        evaluation: that gave the answers and names the judge; of its suites only those of
            `head_to_head:` matter here.
        baseline: the checkpoint that all others are compared with.
        everyone: true where the others are compared with each other, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    evaluation: EvalJob
    baseline: str
    everyone: bool = False
