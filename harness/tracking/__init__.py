"""MLflow, as a sink and as a source."""
