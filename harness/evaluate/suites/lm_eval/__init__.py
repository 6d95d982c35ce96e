"""Tasks of lm-evaluation-harness as suites: `lm_eval:NAME`."""

__all__: list[str] = []
