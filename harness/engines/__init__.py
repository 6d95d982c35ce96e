"""Engines that complete prompts: the seam and its implementations."""

__all__ = ["base", "checkpoints", "options", "registry", "vllm"]
