"""What a run costs, before it runs: steps, tokens, bytes, floating point operations. Pure numbers.

The formulas hold for decoders of the Llama family under transformers, as
`tests/train/test_estimate.py` checks against what autograd really saves: form `tree` on a CPU
(`train.model.tree_attention_cpu`, `train.model.recompute`), form `padded` with SDPA attention.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from train.config import TrainConfig
from train.data.packing import ROW_TOKENS, pack
from train.model.head import CHUNK, KEPT
from train.model.model_shape import ModelShape
from train.trainer.schedule import total_prompts, total_steps, training_order

#: NF4 with double quantisation: half a byte, 8 bits for 64 weights, 32 bits for 64 * 256.
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
_BYTES = {"float32": 4, "bfloat16": 2}
_FP32 = 4


@dataclass(frozen=True, slots=True)
class PromptLengths:
    """Tokens of one prompt and of each of its responses."""

    prompt: int
    responses: tuple[int, ...]

    @property
    def size(self) -> int:
        """Tokens of the prompt, once, and of all responses."""
        return self.prompt + sum(self.responses)

    def rows(self, form: str) -> tuple[int, ...]:
        """Tokens of the tree or of each row; a response's last token is only predicted."""
        inputs = [length - 1 for length in self.responses]
        if form == "tree":
            return (self.prompt + sum(inputs),)
        return tuple(self.prompt + length for length in inputs)

    def seen(self, form: str) -> float:
        """Pairs of a token and one that it attends to, in all rows."""
        prompt, copies = self.prompt**2 / 2, 1 if form == "tree" else len(self.responses)
        inputs = [length - 1 for length in self.responses]
        return copies * prompt + sum(self.prompt * n + n**2 / 2 for n in inputs)


@dataclass(frozen=True, slots=True)
class Work:
    """What passes through the model in a run.

    Attributes:
        prompts: prompts trained on, every epoch's counted anew.
        steps: optimiser steps.
        tokens: tokens trained on, padding left out.
        predicted: response tokens trained on.
        seen: attended pairs of tokens in training.
        reference: tokens, predicted tokens and attended pairs of the reference's pass, with every
            response (the probe's too) computed once.
        batch: positions of the largest micro-batch, padding included.
        row: positions of its rows.
        batch_predicted: response tokens of a micro-batch, at most.
    """

    prompts: int
    steps: int
    tokens: int
    predicted: int
    seen: float
    reference: tuple[int, int, float]
    batch: int
    row: int
    batch_predicted: int


def estimate_work(
    config: TrainConfig, train: Sequence[PromptLengths], probe: Sequence[PromptLengths]
) -> Work:
    """Steps and tokens of a run on these prompts, in the order that it would take."""
    total = total_prompts(len(train), config.epochs, config.prompts_per_step, config.max_steps)
    sizes = [lengths.size for lengths in train]
    order = training_order(sizes, total, config.prompts_per_step, config.seed)
    trained = [train[index] for index in order]
    once = [*(train[index] for index in sorted(set(order))), *probe]
    batches = list(_batches(trained, config))
    shapes = [_positions(batch, config.form) for batch in batches]
    batch, row = max(shapes)
    return Work(
        prompts=total,
        steps=total_steps(total, config.prompts_per_step),
        tokens=_tokens(trained, config.form),
        predicted=_predicted(trained),
        seen=sum(lengths.seen(config.form) for lengths in trained),
        reference=(
            _tokens(once, config.form),
            _predicted(once),
            sum(lengths.seen(config.form) for lengths in once),
        ),
        batch=batch,
        row=row,
        batch_predicted=max(map(_predicted, batches)),
    )


def _batches(order: Sequence[PromptLengths], config: TrainConfig) -> list[Sequence[PromptLengths]]:
    size = config.prompts_per_batch
    return [order[start : start + size] for start in range(0, len(order), size)]


def _positions(batch: Sequence[PromptLengths], form: str) -> tuple[int, int]:
    rows = [row for lengths in batch for row in lengths.rows(form)]
    if form == "tree":
        rows = [sum(rows[number] for number in row) for row in pack(rows, ROW_TOKENS)]
    return len(rows) * max(rows), max(rows)


def _tokens(groups: Sequence[PromptLengths], form: str) -> int:
    return sum(sum(lengths.rows(form)) for lengths in groups)


def _predicted(groups: Sequence[PromptLengths]) -> int:
    return sum(sum(lengths.responses) for lengths in groups)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one process that holds everything; sharding divides the first three.

    Attributes:
        weights: in the run's dtype, 4 bits where quantised, adapters in fp32.
        gradients: one number a trained parameter.
        optimiser: AdamW, two numbers a trained parameter.
        activations: what the backward pass needs of one micro-batch.
        checkpointed: the same with activation checkpointing of every layer.
        head: a chunk of logits, and what the head's gradient needs.
        accumulated: whether gradients of earlier micro-batches wait while activations are kept;
            otherwise gradients come as activations go.
    """

    weights: float
    gradients: float
    optimiser: float
    activations: float
    checkpointed: float
    head: float
    accumulated: bool

    @property
    def total(self) -> float:
        """Without activation checkpointing."""
        return self._with(self.activations)

    @property
    def total_checkpointed(self) -> float:
        """With it."""
        return self._with(self.checkpointed)

    def _with(self, kept: float) -> float:
        both = kept + self.gradients if self.accumulated else max(kept, self.gradients)
        return self.weights + self.optimiser + self.head + both


def estimate_memory(config: TrainConfig, model: ModelShape, load: Work) -> Memory:
    """Bytes that a run needs at its peak; what the process itself needs comes on top."""
    size = _BYTES[config.dtype]
    adapters = model.trained if model.rank else 0
    bits = model.quantisable if config.lora and config.lora.quantise else 0
    each = _FP32 if model.rank else size
    layer = token_layer_bytes(config, model, load.row) * load.batch
    between = model.hidden * size * load.batch
    return Memory(
        weights=(model.total - adapters - bits) * size + adapters * _FP32 + bits * NF4_BYTES,
        gradients=model.trained * each,
        optimiser=2 * model.trained * each,
        activations=model.layers * layer,
        checkpointed=model.layers * between + layer,
        head=_head_bytes(model, load, size),
        accumulated=config.prompts_per_step > config.prompts_per_batch,
    )


def token_layer_bytes(config: TrainConfig, model: ModelShape, row: int) -> float:
    """What autograd keeps of one token in one layer.

    Kept always: the inputs of both norms; query, key and value, and the attention's output; gate
    and up projection. Adapters also keep the inputs of linear layers in fp32 (not the norms'
    results, unless the run is not in fp32: then one copy a layer), and their own `rank` numbers.
    Form `padded` keeps more: the norms' inputs in fp32 and their results and, for trained weights,
    what is normalised; keys and values repeated to the query's width; the activated gate and the
    product; and the attention mask's line of the token. Left out: a number a head for attention.
    """
    size, hidden, query, inner = _BYTES[config.dtype], model.hidden, model.query, model.inner
    if config.form == "tree":
        always, more = (2 * hidden + query + 2 * model.key + 2 * inner) * size, 0
    else:
        always = 2 * hidden * _FP32 + (3 * query + 3 * inner + row) * size
        more = 4 * hidden + inner
    if not model.rank:
        return always + (query + more) * size
    results = 0 if config.form == "tree" else 2
    copies, output = (results, 0) if size == _FP32 else (5, query * size)
    return always + output + (copies * hidden + query + inner + 7 * model.rank) * _FP32


def _head_bytes(model: ModelShape, load: Work, size: int) -> float:
    """Two fp32 copies of a chunk; hidden states and their gradient; what a trained head keeps."""
    kept = min(KEPT, load.batch_predicted * model.head / model.hidden)
    trained = 0 if model.rank else (2 * model.head + kept) * size
    return 2 * CHUNK * _FP32 + 2 * load.batch_predicted * model.hidden * size + trained


@dataclass(frozen=True, slots=True)
class Operations:
    """Useful floating point operations: no padding, nothing computed twice.

    Attributes:
        training: forward and backward passes of all steps.
        reference: the reference's forward pass.
    """

    training: float
    reference: float


def estimate_operations(model: ModelShape, load: Work) -> Operations:
    """Operations of a run.

    Two a multiplied parameter and token forward; backward the same for the gradient towards what
    came in, and once more for that of trained weights.
    """
    tokens, predicted, seen = load.reference
    adapters = model.trained if model.rank else 0
    times = 2 if model.rank else 3
    forward = _forward(model, load.tokens, load.predicted)
    training = times * forward + 3 * _attention(model, load.seen) + 3 * 2 * adapters * load.tokens
    reference = _forward(model, tokens, predicted) + _attention(model, seen)
    return Operations(training, reference)


def _forward(model: ModelShape, tokens: int, predicted: int) -> float:
    return 2.0 * (model.active * tokens + model.head * predicted)


def _attention(model: ModelShape, seen: float) -> float:
    """Scores and weighted values: two products of the queries' width a pair."""
    return 4.0 * model.layers * model.query * seen
