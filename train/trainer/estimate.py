"""The cost of a run, estimated before it runs: steps, tokens, bytes, floating point operations.

The formulas hold for decoders of the Llama family under transformers, and are tested against the
tensors that autograd saves: form `tree` on a CPU (`train.model.tree_attention`,
`train.model.recompute`), form `padded` with SDPA attention.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from train.config import TrainConfig
from train.data.packing import ROW_TOKENS, pack
from train.model.logprobs import CHUNK, KEPT
from train.model.model_shape import ModelShape
from train.trainer.distributed import training_order

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
        """Return the tokens of the tree or of each row; a last token is only predicted."""
        if form == "tree":
            return (self.size - len(self.responses),)
        return tuple(self.prompt + length - 1 for length in self.responses)

    def attended(self, form: str) -> float:
        """Count the pairs of a token and one that it attends to, in all rows."""
        prompt, copies = self.prompt**2 / 2, 1 if form == "tree" else len(self.responses)
        inputs = [length - 1 for length in self.responses]
        return copies * prompt + sum(self.prompt * n + n**2 / 2 for n in inputs)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of some prompts: given to the model (no padding), predicted, attended pairs."""

    given: int
    predicted: int
    attended: float


@dataclass(frozen=True, slots=True)
class Work:
    """The work of a run."""

    prompts: int  # prompts trained on, those of every epoch counted anew
    steps: int  # optimiser steps
    training: Tokens  # tokens trained on
    reference: Tokens  # tokens of the reference's pass: all responses once, the probe's too
    batch: int  # positions of the largest micro-batch, padding included
    row: int  # positions of its rows
    batch_predicted: int  # response tokens of a micro-batch, at most


def estimate_work(
    config: TrainConfig, train: Sequence[PromptLengths], probe: Sequence[PromptLengths]
) -> Work:
    """Count the steps and tokens of a run on these prompts, in its order of training."""
    order = training_order([lengths.size for lengths in train], config)
    trained = [train[index] for index in order]
    size, total = config.prompts_per_batch, len(order)
    batches = [trained[start : start + size] for start in range(0, total, size)]
    batch, row = max(_positions(part, config.form) for part in batches)
    return Work(
        prompts=total,
        steps=math.ceil(total / config.prompts_per_step),  # the last one may hold fewer prompts
        training=_count_tokens(trained, config.form),
        reference=_count_tokens([*(train[i] for i in sorted(set(order))), *probe], config.form),
        batch=batch,
        row=row,
        batch_predicted=max(_count_tokens(part, config.form).predicted for part in batches),
    )


def _positions(batch: Sequence[PromptLengths], form: str) -> tuple[int, int]:
    rows = [row for lengths in batch for row in lengths.rows(form)]
    if form == "tree":
        rows = [sum(rows[number] for number in row) for row in pack(rows, ROW_TOKENS)]
    return len(rows) * max(rows), max(rows)


def _count_tokens(prompts: Sequence[PromptLengths], form: str) -> Tokens:
    return Tokens(
        given=sum(sum(lengths.rows(form)) for lengths in prompts),
        predicted=sum(sum(lengths.responses) for lengths in prompts),
        attended=sum(lengths.attended(form) for lengths in prompts),
    )


@dataclass(frozen=True, slots=True)
class Memory:
    """The bytes of one process without sharding, which divides the first three."""

    weights: float  # in the run's dtype, 4 bits where quantised, adapters in fp32
    gradients: float  # one number a trained parameter
    optimiser: float  # AdamW, two numbers a trained parameter
    activations: float  # kept for the backward pass of one micro-batch
    head: float  # a chunk of logits, and the numbers kept for the head's gradient
    total: float  # all bytes, without activation checkpointing
    total_checkpointed: float  # all bytes, with activation checkpointing of every layer


def estimate_memory(config: TrainConfig, model: ModelShape, work: Work) -> Memory:
    """Estimate the bytes of a run at its peak, without those of the process itself."""
    size = _BYTES[config.dtype]
    adapters = model.trained if model.rank else 0
    quantised = model.quantisable if config.lora and config.lora.quantise else 0
    trained_size = _FP32 if model.rank else size
    layer = token_layer_bytes(config, model, work.row) * work.batch
    between = model.hidden * size * work.batch
    plain = model.total - adapters - quantised
    weights = plain * size + adapters * _FP32 + quantised * NF4_BYTES
    gradients, optimiser = model.trained * trained_size, 2 * model.trained * trained_size
    head = _head_bytes(model, work, size)

    def total(kept: float) -> float:
        # Gradients of earlier micro-batches are kept beside activations; those of a single one
        # come as activations go.
        accumulated = config.prompts_per_step > config.prompts_per_batch
        both = kept + gradients if accumulated else max(kept, gradients)
        return weights + optimiser + head + both

    activations, checkpointed = model.layers * layer, model.layers * between + layer
    return Memory(
        weights, gradients, optimiser, activations, head, total(activations), total(checkpointed)
    )


def token_layer_bytes(config: TrainConfig, model: ModelShape, row: int) -> float:
    """Estimate the bytes that autograd keeps of one token in one layer.

    Always kept: the inputs of both norms; query, key and value, and the attention's output; gate
    and up projection. Adapters also keep the inputs of linear layers in fp32 (not the norms'
    results, unless the run is not in fp32: then one copy a layer), and their own `rank` numbers.
    Form `padded` keeps more: the norms' inputs in fp32 and their results and, for trained weights,
    the normalised values; keys and values repeated to the query's width; the activated gate and the
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


def _head_bytes(model: ModelShape, work: Work, size: int) -> float:
    """Add two fp32 copies of a chunk, hidden states and gradient, and a trained head's numbers."""
    kept = min(KEPT, work.batch_predicted * model.head / model.hidden)
    trained = 0 if model.rank else (2 * model.head + kept) * size
    return 2 * CHUNK * _FP32 + 2 * work.batch_predicted * model.hidden * size + trained


@dataclass(frozen=True, slots=True)
class Operations:
    """The useful floating point operations of a run: no padding, nothing computed twice."""

    training: float  # forward and backward passes of all steps
    reference: float  # the reference's forward pass


def estimate_operations(model: ModelShape, work: Work) -> Operations:
    """Estimate the operations of a run.

    A multiplied parameter and token count 2 forward; backward 2 for the gradient towards the
    inputs, and 2 more for that of trained weights.
    """
    linear, attention = _forward(model, work.training)
    adapters = 2 * model.trained * work.training.given if model.rank else 0
    training = (2 if model.rank else 3) * linear + 3 * attention + 3 * adapters
    return Operations(training, reference=sum(_forward(model, work.reference)))


def _forward(model: ModelShape, tokens: Tokens) -> tuple[float, float]:
    linear = 2.0 * (model.active * tokens.given + model.head * tokens.predicted)
    # Scores and weighted values: two products of the queries' width a pair.
    return linear, 4.0 * model.layers * model.query * tokens.attended
