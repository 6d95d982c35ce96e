"""The benchmarks, one file each; `eval_suites.registry` lists them."""
