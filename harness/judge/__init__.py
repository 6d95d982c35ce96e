"""Judges: engines that are asked about answers."""
