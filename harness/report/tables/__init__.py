"""Tables and pictures by specification: `results/*.yaml` in, files out, byte for byte."""
