#!/usr/bin/env bash
# Makes the environment where it is missing or out of date, then runs the pipeline.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="$root/.venv"
wanted="$(cat "$root/requirements.txt")"
if nvidia-smi -L >/dev/null 2>&1; then
    wanted="${wanted/tensorflow==/tensorflow[and-cuda]==}"
fi

find_python() {
    local right='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
    for name in python3.12 python3.11 python3.13 python3 python; do
        ! "$name" -c "$right" >/dev/null 2>&1 || { command -v "$name" && return; }
    done
    echo "error: this needs Python 3.11, 3.12 or 3.13; install one of them." >&2
    return 1
}

if [ ! -x "$venv/bin/python" ] || ! cmp -s "$venv/wanted.txt" <(echo "$wanted"); then
    python="$(find_python)"
    echo "Setting up $venv with $("$python" --version); it takes minutes, once." >&2
    if command -v uv >/dev/null; then
        uv venv --quiet --clear --python "$python" "$venv"
        uv pip install --quiet --python "$venv/bin/python" -r <(echo "$wanted")
    else
        "$python" -m venv --clear "$venv"
        "$venv/bin/pip" install -q --disable-pip-version-check -r <(echo "$wanted")
    fi >&2
    echo "$wanted" >"$venv/wanted.txt"
fi

export PYTHONPATH="$root"
# keep freed memory: to give it back and ask again takes a quarter of a training step
keep="arena_max=1:trim_threshold=4000000000:mmap_threshold=4000000000:top_pad=268435456"
export GLIBC_TUNABLES="${GLIBC_TUNABLES:-glibc.malloc.${keep//:/:glibc.malloc.}}"
[ "${1:-}" != test ] || exec "$venv/bin/python" -m pytest --rootdir "$root" \
    -c "$root/pyproject.toml" "$root/tests" "${@:2}"
exec "$venv/bin/python" -P -m pipeline "$@" # -P: never a pipeline/ of the cwd
