#!/bin/sh
# Finds a Python. pipeline/environment.py does the rest: it makes the environment where
# something is missing, then runs the pipeline in it.
set -eu
self=$0
while [ -L "$self" ]; do # a link in ~/bin, say
    target=$(readlink "$self")
    case $target in /*) self=$target ;; *) self=$(dirname "$self")/$target ;; esac
done
root=$(unset CDPATH && cd "$(dirname "$self")" && pwd -P)
if [ ! -f "$root/pipeline/environment.py" ]; then
    echo "error: $root/run.sh is alone; put a link to the project's there instead." >&2
    exit 1
fi

# keep freed memory: to give it back and ask again takes a quarter of a training step
m=glibc.malloc
keep=$m.arena_max=1:$m.trim_threshold=4000000000:$m.mmap_threshold=4000000000
export GLIBC_TUNABLES="${GLIBC_TUNABLES:-$keep:$m.top_pad=268435456}"

# -I: nothing of the current folder or of PYTHON...; -S: nothing that is installed
fits='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
start='import _signal as s, sys; sys.path.append(sys.argv.pop(1))
s.getsignal(2) == s.default_int_handler and s.signal(2, s.SIG_DFL)
from pipeline.environment import main; main()'
for python in "$root/.venv/bin/python" "$root/.venv-gpu/bin/python" \
    python3.12 python3.11 python3.13 python3 python; do
    "$python" -ISc "$fits" >/dev/null 2>&1 || continue
    exec "$python" -ISc "$start" "$root" "$@"
done
echo "error: this needs Python 3.11, 3.12 or 3.13; install one of them." >&2
exit 1
