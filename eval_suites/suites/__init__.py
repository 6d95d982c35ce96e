"""The benchmarks, one file each; `eval_suites.registry` lists them."""

__all__ = ["alpaca_eval", "arithmetic", "mt_bench"]
