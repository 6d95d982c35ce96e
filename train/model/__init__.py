"""Models: loading, adapters, quantisation, tree attention, and log-probabilities of responses."""

__all__ = ["adapters", "fingerprint", "loading", "logprobs", "model_shape"]
