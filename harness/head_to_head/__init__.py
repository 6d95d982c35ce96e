"""Checkpoints judged against each other on the same prompts (`head_to_head:SUITE`)."""
