"""Models: loading, adapters, quantisation, tree attention, and log-probabilities of responses."""

__all__ = ["adapters", "files", "loading", "logprobs", "model_shape"]
