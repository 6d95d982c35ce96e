"""Faults that runs must survive: real processes, real signals, a clock and network of our own."""
