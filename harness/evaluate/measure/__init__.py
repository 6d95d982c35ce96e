"""Measurements on finished answers: KL divergence and pairwise comparison."""

__all__ = ["kl", "kl_job", "pairwise", "pairwise_job"]
