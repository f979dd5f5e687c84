#!/usr/bin/env bash
# Makes the environment where it is missing or out of date, then runs the pipeline.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="$root/.venv"

make_venv() {
    local right='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
    for python in python3.12 python3.11 python3.13 python3 python; do
        "$python" -c "$right" >/dev/null 2>&1 || continue
        echo "Setting up $venv with $("$python" -V); it takes minutes, once." >&2
        "$python" -m venv --clear "$venv" && return
    done
    echo "error: this needs Python 3.11, 3.12 or 3.13; install one of them." >&2
    exit 1
}

need() { # $1: a requirements file; $2: where the environment keeps what it has of it
    local wanted pip=("$venv/bin/pip" install --disable-pip-version-check)
    wanted="$(cat "$root/$1")"
    ! nvidia-smi -L >/dev/null 2>&1 || wanted="${wanted/tensorflow==/tensorflow[and-cuda]==}"
    if [ -x "$venv/bin/python" ] && cmp -s "$2" <(echo "$wanted"); then return; fi
    [ "$1" != requirements.txt ] || make_venv
    ! command -v uv >/dev/null || pip=(uv pip install --python "$venv/bin/python")
    "${pip[@]}" --quiet -r <(echo "$wanted") >&2
    echo "$wanted" >"$2"
}

need requirements.txt "$venv/wanted.txt"
export PYTHONPATH="$root"
# keep freed memory: to give it back and ask again takes a quarter of a training step
keep="arena_max=1:trim_threshold=4000000000:mmap_threshold=4000000000:top_pad=268435456"
export GLIBC_TUNABLES="${GLIBC_TUNABLES:-glibc.malloc.${keep//:/:glibc.malloc.}}"
[ "${1:-}" = test ] || exec "$venv/bin/python" -P -m pipeline "$@" # -P: no pipeline/ of the cwd
need tests/requirements.txt "$venv/wanted-tests.txt"
exec "$venv/bin/python" -m pytest --rootdir "$root" -c "$root/pyproject.toml" "$root/tests" "${@:2}"
