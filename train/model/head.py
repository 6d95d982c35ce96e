"""Log-probabilities of given tokens from hidden states, without keeping the logits.

The logits of a step are by far its largest array (tokens x vocabulary). They are computed in chunks
and dropped. Where the head is frozen (LoRA), the gradient towards the hidden states needs only a
factor a token from the backward pass, so it is computed with the chunk. Where the head is trained,
the first chunks' gradients are kept, up to a fixed budget; the others are computed again in the
backward pass.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Logits of one chunk: 2^22 numbers, 16 MB in fp32. Larger ones were not faster on a CPU.
CHUNK = 2**22
# Numbers that are kept for the backward pass of a trained head: 256 MB in fp32.
KEPT = 2**26


def token_logps(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """Compute `log softmax(hidden @ weight.T + bias)` at the targets, nats, `[N]`, in fp32.

    `hidden` is `[N, H]` (where it is fp64, so is the result), `weight` the head's, `[V, H]`, `bias`
    `[V]` or None (it gets no gradient), and `targets` are token ids, `[N]`.
    """
    # Decided here: within the function autograd is off, and a trained weight requires a gradient
    # even where none is taken.
    trained = torch.is_grad_enabled() and weight.requires_grad
    result: Tensor = _TokenLogps.apply(hidden, weight, bias, targets, trained)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return result


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
