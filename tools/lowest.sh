#!/usr/bin/env bash
# The lowest versions that pyproject.toml allows are installed and run the demo twice, the second time with nothing to
# do; needs uv. Run it weekly and after a floor has changed: tools/lowest.sh [PYTHON]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
uv venv --quiet --python "${1:-3.11}" venv
uv pip install --quiet --python venv/bin/python --resolution lowest-direct "$here"
uv pip list --python venv/bin/python
venv/bin/refinery demo demo --quiet
venv/bin/refinery run demo/pipeline.yaml --quiet
venv/bin/refinery run --help >lines
venv/bin/refinery plan demo/pipeline.yaml >>lines
venv/bin/refinery show demo --number 1 >>lines
echo "the lowest versions run the demo"
