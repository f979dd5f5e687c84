#!/usr/bin/env bash
# Makes the environment where it is missing or its requirements changed, then runs
# the pipeline with the given arguments: ./run.sh all, ./run.sh --help, ./run.sh test
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="$root/.venv"
wanted="$(cat "$root/requirements.txt")"
if nvidia-smi -L >/dev/null 2>&1; then
    wanted="${wanted/tensorflow==/tensorflow[and-cuda]==}"
fi

find_python() {
    local name
    for name in python3.12 python3.11 python3.13 python3 python; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
            >/dev/null 2>&1; then
            command -v "$name" && return
        fi
    done
    echo "error: this needs Python 3.11, 3.12 or 3.13; install one of them." >&2
    exit 1
}

if [ "$wanted" != "$(cat "$venv/installed.txt" 2>/dev/null || true)" ]; then
    python="$(find_python)"
    echo "Setting up $venv with $("$python" --version); this takes minutes, once." >&2
    if command -v uv >/dev/null; then
        uv venv --quiet --clear --python "$python" "$venv" >&2
        uv pip install --quiet --python "$venv/bin/python" -r <(echo "$wanted") >&2
    else
        "$python" -m venv --clear "$venv" >&2
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            -r <(echo "$wanted") >&2
    fi
    echo "$wanted" >"$venv/installed.txt"
fi

export PYTHONPATH="$root"
[ "${1:-}" != test ] || exec "$venv/bin/python" -m pytest --rootdir "$root" \
    -c "$root/pyproject.toml" "$root/tests" "${@:2}"
exec "$venv/bin/python" -P -m pipeline "$@" # -P: never a pipeline/ of the cwd
