"""Summed log-probabilities of responses under a model: one interface, three forms.

- `plain`: padded rows and the model's own logits. Slow and simple: the oracle.
- `padded`: padded rows, logits in chunks.
- `tree`: each prompt once with its responses behind it, in packed rows (`train.data.packing`,
  `train.model.tree_attention`), logits in chunks, less kept for the backward pass
  (`train.model.recompute`).

Everything runs inside the model's own forward pass, with its head replaced for the call, so that
hooks of wrappers (adapters, data parallel, sharding) fire as they would.

The logits of a step are by far its largest array (tokens x vocabulary). They are computed in chunks
and dropped. Where the head is frozen (LoRA), the gradient towards the hidden states needs only a
factor a token from the backward pass, so it is computed with the chunk. Where the head is trained,
the first chunks' gradients are kept, up to a fixed budget; the others are computed again in the
backward pass.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from train.data import packing
from train.data.packing import Rows
from train.data.tokens import TokenGroup
from train.model import recompute, tree_attention

Form = Literal["tree", "padded", "plain"]
_LOG = logging.getLogger(__name__)
# Logits of one chunk: 2^22 numbers, 16 MB in fp32. Larger ones were not faster on a CPU.
CHUNK = 2**22
# Numbers that are kept for the backward pass of a trained head: 256 MB in fp32.
KEPT = 2**26


def logprobs(model: nn.Module, groups: Sequence[TokenGroup], form: Form) -> tuple[Tensor, Tensor]:
    """Compute the summed log-probabilities of every response after its prompt.

    `model` is a causal language model of transformers, as it is or wrapped, `groups` are B prompts
    with up to K responses each, and `form` is one that the model allows (`choose_form`). Returns
    sums over response tokens, nats, fp32 (fp64 for an fp64 model), `[B, K]`, 0 where a prompt has
    no such response; and response tokens, `[B, K]`.
    """
    core = _core(model)
    rows = (packing.tree(groups) if form == "tree" else packing.padded(groups)).to(core.device)
    if rows.trees is not None and core.config._attn_implementation != tree_attention.TREE:  # noqa: SLF001 - no public name
        tree_attention.install(core)
        recompute.install(core)
    tokens = _plain_logps(model, rows) if form == "plain" else _picked_logps(model, core, rows)
    prompts, responses = rows.shape
    sums = tokens.new_zeros(prompts * responses).index_add(0, rows.owners, tokens)
    lengths = torch.bincount(rows.owners, minlength=prompts * responses)
    return sums.view(prompts, responses), lengths.view(prompts, responses)


def choose_form(model: nn.Module, groups: Sequence[TokenGroup], preferred: Form) -> Form:
    """Return the preferred form, or a plainer one (with a log line) where the model requires it.

    Known obstacles decide at once. Otherwise the shortest of `groups` is scored in the preferred
    and in the plain form, which catches heads that change their logits afterwards and attention
    without a causal mask.
    """
    sample = [min(groups, key=lambda group: group.size)]
    longest = max(len(g.prompt) + max(map(len, g.responses)) for g in groups)
    forms: tuple[Form, ...] = ("tree", "padded", "plain")
    core = _core(model)
    before = core.config._attn_implementation  # noqa: SLF001 - no public name
    with torch.no_grad():
        oracle, lengths = logprobs(model, sample, "plain")
        for form in forms[forms.index(preferred) : -1]:
            reason = _obstacle(core, longest) if form == "tree" else None
            reason = reason or _difference(model, sample, form, oracle, lengths)
            if reason is None:
                return form
            core.set_attn_implementation(before)
            _LOG.warning("log-probabilities in form %s: not for this model: %s", form, reason)
    return "plain"


def attention_kernel(model: nn.Module) -> str:
    """Return the name of the attention kernel, such as `sdpa/cpu`, for keys of stored numbers."""
    core = _core(model)
    return f"{core.config._attn_implementation}/{core.device.type}"  # noqa: SLF001 - no public name


def _obstacle(core: Any, longest: int) -> str | None:
    if not core._can_set_attn_implementation():  # noqa: SLF001 - transformers has no public name
        return "its attention cannot be replaced"
    config = core.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", True) and window < longest:
        return f"its sliding window of {window} tokens is shorter than a row of {longest}"
    return None


def _difference(
    model: nn.Module, sample: Sequence[TokenGroup], form: Form, oracle: Tensor, lengths: Tensor
) -> str | None:
    try:
        sums, _ = logprobs(model, sample, form)
    except tree_attention.UnsupportedAttention as reason:
        return str(reason)
    # In bf16 a token is right to about 0.06 nat; a wrong form is off by whole nats.
    in_bf16 = _core(model).dtype == torch.bfloat16
    allowed = 0.1 * lengths if in_bf16 else 1e-2 + 1e-5 * oracle.abs()
    gap = (sums - oracle).abs()
    return f"{gap.max():.3g} nat off" if bool((gap > allowed).any()) else None


def _core(model: nn.Module) -> Any:
    """Return the transformers model (or adapter around it) inside a parallel wrapper."""
    return getattr(model, "module", model)


def _forward(model: nn.Module, rows: Rows) -> Tensor:
    ids, seen = rows.input_ids, dict[str, Any]()
    if rows.trees is None:
        seen["attention_mask"] = rows.mask.long()
    else:
        block_mask, on_gpu = tree_attention.block_mask, ids.device.type == "cuda"
        mask = block_mask(rows.trees, ids.shape[1], ids.device) if on_gpu else None
        seen = {"attention_mask": mask, "trees": rows.trees}
    output = model(input_ids=ids, position_ids=rows.position_ids, use_cache=False, **seen)
    return cast("Tensor", output.logits)


def _plain_logps(model: nn.Module, rows: Rows) -> Tensor:
    logits = _forward(model, rows).flatten(0, 1)[rows.places]
    logits = logits if logits.dtype == torch.float64 else logits.float()
    return logits.gather(1, rows.targets[:, None]).squeeze(1) - logits.logsumexp(dim=1)


def _picked_logps(model: nn.Module, core: Any, rows: Rows) -> Tensor:
    head = core.get_output_embeddings()

    def pick(hidden: Tensor) -> Tensor:
        chosen = hidden.flatten(0, 1)[rows.places]
        return token_logps(chosen, head.weight, getattr(head, "bias", None), rows.targets)

    vars(head)["forward"] = pick  # the head's hooks stay
    try:
        return _forward(model, rows)
    finally:
        del vars(head)["forward"]


def token_logps(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """Compute `log softmax(hidden @ weight.T + bias)` at the targets, nats, `[N]`, in fp32.

    `hidden` is `[N, H]` (where it is fp64, so is the result), `weight` the head's, `[V, H]`, `bias`
    `[V]` or None (it gets no gradient), and `targets` are token ids, `[N]`.
    """
    # Decided here: within the function autograd is off, and a trained weight requires a gradient
    # even where none is taken.
    trained = torch.is_grad_enabled() and weight.requires_grad
    logps = _TokenLogps.apply(hidden, weight, bias, targets, trained)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return cast("Tensor", logps)


class _TokenLogps(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        trained: bool,
    ) -> Tensor:
        slopes = torch.empty_like(hidden) if ctx.needs_input_grad[0] and not trained else None
        logps, kept, room = [], [], KEPT if trained else 0
        for part in _chunks(len(targets), len(weight)):
            logits, total = _logits(hidden[part], weight, bias)
            logps.append(logits.gather(1, targets[part, None]) - total)
            room -= logits.numel()
            if slopes is not None:
                slopes[part] = _pull(logits, total, targets[part]).to(weight.dtype) @ weight
            elif room >= 0:
                kept.append(_pull(logits, total, targets[part]).to(weight.dtype))
        ctx.save_for_backward(slopes, hidden, weight, bias, targets, *kept)
        return torch.cat(logps).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        slopes, hidden, weight, bias, targets, *kept = ctx.saved_tensors
        if slopes is not None:
            return (grad[:, None] * slopes).to(hidden.dtype), None, None, None, None
        to_hidden, to_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        for number, part in enumerate(_chunks(len(targets), len(weight))):
            if number < len(kept):
                pull = kept[number]
            else:
                logits, total = _logits(hidden[part], weight, bias)
                pull = _pull(logits, total, targets[part]).to(weight.dtype)
            scale = grad[part, None].to(weight.dtype)
            to_hidden[part] = (pull @ weight).mul_(scale)
            to_weight.addmm_(pull.T, hidden[part] * scale)
        return to_hidden, to_weight, None, None, None


def _chunks(tokens: int, vocabulary: int) -> Iterator[slice]:
    size = max(1, CHUNK // vocabulary)
    for start in range(0, tokens, size):
        yield slice(start, start + size)


def _logits(hidden: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return logits, `[N, V]`, and their log-sum-exps, `[N, 1]`."""
    logits = torch.nn.functional.linear(hidden, weight, bias)
    logits = logits if logits.dtype == torch.float64 else logits.float()
    return logits, logits.logsumexp(dim=1, keepdim=True)


def _pull(logits: Tensor, total: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient towards the logits, one-hot minus softmax, computed in place."""
    pull = logits.sub_(total).exp_().neg_()
    pull[torch.arange(len(targets), device=targets.device), targets] += 1
    return pull
