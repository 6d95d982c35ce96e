"""Tables and pictures by specification."""
