"""The training run: loop, reference cache, records, saved states and several processes."""

__all__ = ["batch_loss", "distributed", "estimate", "metrics", "reference", "run", "trainer"]
