"""The settings of training: `TrainConfig`, a part of a recipe, and the resolved `TrainJob`."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
#: A file, a folder, or a name on the hub (`train.data.sources`).
Source = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, Path) else value),
    Field(min_length=1),
]


class LoraConfig(BaseModel):
    """Low-rank adapters on all linear layers; `scale` is lora_alpha: updates times scale/rank.

    `quantise: nf4` keeps the frozen weights in 4 bits (QLoRA, arXiv 2305.14314): NF4 with double
    quantisation, computing in the run's `dtype`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: Count = 8
    scale: Positive = 16
    quantise: Literal["nf4"] | None = None


class TrainConfig(BaseModel):
    """The training of one checkpoint; a recipe's `train:` and `checkpoints:` hold these keys.

    Lengths are tokens, `prompts_per_step` counts prompts (each with all its responses) over all
    accumulated micro-batches of `prompts_per_batch`. A run ends after `epochs` passes, or after
    `max_steps` steps where given. `alpha` divides the reward; 0 is hard labels. `method` names an
    objective (`train.objectives.registry`), `method_settings` what it alone takes. `data` and
    `probe`, usually held out, are sources (`train.data.sources`). `responses` keeps the best and a
    draw of the others; `pairs` chooses the pairs of a pair objective where K > 2. `too_long` cuts
    or drops a prompt that with its longest response exceeds `max_length`. `lora: null` trains all
    weights. `checkpoint_activations` computes all but the layers' inputs again in the backward
    pass: less memory, the same numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = "nca"
    method_settings: dict[str, float] = {}
    data: Source
    probe: Source | None = None
    rows: Count | None = None
    probe_rows: Count = 32
    probe_every: Count = 10
    responses: Count | None = None
    pairs: Literal["best_vs_random", "best_vs_worst", "best_vs_rest", "all"] | None = None
    beta: Positive = 0.1
    alpha: Annotated[float, Field(ge=0)] = 1.0
    learning_rate: Positive = 5e-6
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    epochs: Positive = 1.0
    max_steps: Count | None = None
    prompts_per_step: Count = 8
    prompts_per_batch: Count = 2
    max_length: Count = 1024
    max_prompt_length: Count = 512
    too_long: Literal["cut", "drop"] = "cut"
    lora: LoraConfig | None = LoraConfig()
    checkpoint_activations: bool = False
    dtype: Literal["float32", "bfloat16"] = "float32"
    form: Literal["tree", "padded"] = "tree"
    save_every: Count = 50
    seed: int = 0

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.max_prompt_length >= self.max_length:
            raise ValueError(
                f"max_prompt_length {self.max_prompt_length} leaves no room for a response: "
                f"set it below max_length {self.max_length}"
            )
        if self.prompts_per_step % self.prompts_per_batch:
            raise ValueError(
                f"prompts_per_step {self.prompts_per_step} must be a multiple of "
                f"prompts_per_batch {self.prompts_per_batch}"
            )
        return self


class TrainJob(BaseModel):
    """A resolved training stage: a config, the base checkpoint folder, and where to write.

    `base` is a full checkpoint. With `adapter`, a LoRA folder on that base, the run trains this
    adapter on and its reference is base and adapter as they were. All jobs share the reference
    log-probabilities in `cache`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: Path
    adapter: Path | None = None
    out: Path
    cache: Path
    config: TrainConfig
