"""The data folder filled and found; training data looked at."""
