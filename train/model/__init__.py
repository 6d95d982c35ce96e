"""Models: loading, adapters, quantisation, tree attention, and log-probabilities of responses."""

__all__ = [
    "adapters",
    "disk",
    "fingerprint",
    "head",
    "loading",
    "logprobs",
    "merging",
    "model_shape",
    "quantisation",
]
