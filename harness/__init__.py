"""Train checkpoints with NCA and its kin, evaluate them, and show which one is better."""
