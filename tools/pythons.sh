#!/usr/bin/env bash
# The default tests on every Python that is promised, or on those that are named, each with the newest versions of all
# that is needed; needs uv. Run it weekly: tools/pythons.sh [PYTHON...]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ $# -gt 0 ] || set -- 3.11 3.12 3.13 3.14
failed=()
for python in "$@"; do
    echo "== Python $python"
    git clone --quiet "$here" "$folder/$python"
    cd "$folder/$python"
    if ! { uv venv --quiet --python "$python" .venv && uv pip install --quiet --python .venv/bin/python -e '.[dev]' &&
        .venv/bin/python -m pytest -p no:cacheprovider; }; then
        failed+=("$python")
    fi
done
[ ${#failed[@]} -eq 0 ] || { echo "failed on Python ${failed[*]}" && exit 1; }
echo "the tests pass on Python $*"
