"""Engines that complete prompts: the seam and its implementations."""

__all__ = ["base", "checkpoints", "registry", "vllm"]
