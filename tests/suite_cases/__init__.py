"""The cases that every suite must pass: one module for each module of `eval_suites.suites`."""
