"""Tasks of lm-evaluation-harness as suites: `lm_eval:NAME`."""
