# `make demo` and `make test` are all a newcomer needs; both make .venv first.
PYTHON ?= python3
MODEL ?=
OPTIONS ?=
DATA_DIR ?= ../shared/data
BIN := .venv/bin

.PHONY: demo results test test-slow bench-train bench-trainer bench-memory bench-sandbox bench-journal bench-eval bench-compare bench-report sandbox-repeats fault-series fidelity likelihood-trends docs lint format check clean help

help:
	@echo "make demo    train three checkpoints, evaluate them, show them side by side"
	@echo "make test    the tests, two files at a time (make test-slow: those with real models"
	@echo "               and engines); OPTIONS=... goes to pytest, -n 4 among them"
	@echo "make results   every table and picture under results/, from the result files"
	@echo "make bench-train   a training step against TRL's, in CPU-seconds (about an hour)"
	@echo "make bench-trainer where the time of our Trainer's step goes (a few minutes)"
	@echo "make bench-memory  the most memory that training runs hold, beside the dry run's word"
	@echo "make bench-sandbox our sandbox against other executors (a few minutes)"
	@echo "make bench-eval    our evaluation beside vLLM's own generate and lm-eval (about 15 minutes)"
	@echo "make bench-journal what the journal of answers costs (a minute)"
	@echo "make bench-compare how long nca compare takes over 8 runs with 10 suites (half a minute)"
	@echo "make bench-report  how long nca report takes, and its pages in Chromium (about 3 minutes)"
	@echo "make sandbox-repeats all reference solutions, again and again (about ten minutes)"
	@echo "make fault-series    evaluations killed, again and again, also on vLLM (about half an hour)"
	@echo "make likelihood-trends   how likelihoods move under DPO, InfoNCA and NCA (hours)"
	@echo "make fidelity    whether every suite agrees with its gold, as a table (about five minutes)"
	@echo "make check   formatting, lint, types, floors"
	@echo "make docs    the documentation as a site, in site/"

.venv/.ready: pyproject.toml cpu-overrides.txt dev-overrides.txt constraints-cpu.txt constraints-cuda.txt scripts/setup.sh
	PYTHON=$(PYTHON) scripts/setup.sh

demo: .venv/.ready
	$(BIN)/nca demo $(if $(MODEL),--model $(MODEL))

results: .venv/.ready
	$(BIN)/nca tables results -q

test: .venv/.ready
	$(BIN)/python -m pytest -n 2 --dist loadfile $(OPTIONS)

test-slow: .venv/.ready
	$(BIN)/python -m pytest -m slow

bench-train: .venv/.ready
	$(BIN)/python -m benchmarks.train_step --data-dir $(DATA_DIR)

bench-memory: .venv/.ready
	$(BIN)/python -m benchmarks.train_memory --data-dir $(DATA_DIR)

bench-sandbox: .venv/.ready
	$(BIN)/python -m benchmarks.sandbox --data-dir $(DATA_DIR)

bench-eval: .venv/.ready
	$(BIN)/python -m benchmarks.evaluate --data-dir $(DATA_DIR)
	$(BIN)/python -m benchmarks.evaluate --data-dir $(DATA_DIR) --adapters 4 --rounds 1

bench-journal: .venv/.ready
	$(BIN)/python -m benchmarks.journal --data-dir $(DATA_DIR) $(if $(MODEL),--model $(MODEL))

bench-compare: .venv/.ready
	$(BIN)/python -m benchmarks.compare

bench-report: .venv/.ready
	$(BIN)/python -m benchmarks.report

sandbox-repeats: .venv/.ready
	$(BIN)/python scripts/sandbox_repeats.py --data-dir $(DATA_DIR)

fault-series: .venv/.ready
	$(BIN)/python -m pytest -s -m slow tests/faults/test_killed_evaluation.py \
	  tests/faults/test_killed_vllm.py tests/faults/test_served.py tests/faults/test_offline.py \
	  tests/faults/test_clock.py

fidelity: .venv/.ready
	$(BIN)/python scripts/fidelity.py --data-dir $(DATA_DIR)

bench-trainer: .venv/.ready
	$(BIN)/python -m benchmarks.trainer_share --data-dir $(DATA_DIR)

likelihood-trends: .venv/.ready
	for name in likelihood-own likelihood-pairs; do \
	  $(BIN)/nca run recipes/$$name.yaml --data-dir $(DATA_DIR) --tracking none \
	    --save-result results/runs/$$name.json || exit 1; \
	done
	$(BIN)/nca tables results -q

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: .venv/.ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf .venv site .mypy_cache .ruff_cache .pytest_cache .hypothesis
