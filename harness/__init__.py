"""Recipe in, checkpoints and side-by-side tables with their uncertainty out."""
