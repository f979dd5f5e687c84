"""The sampler of memory, on processes of known size."""

import sys

from tests.memory import Peak, Usage, describe, usage_of, watch

SIZE = 60_000_000
HOLD = f"held = bytearray({SIZE}); import time; time.sleep(0.5)"
PARENT = (
    f"import subprocess, sys; {HOLD}; subprocess.run([sys.executable, '-c', {HOLD!r}])"
)


def test_the_peak_is_that_of_a_process_and_its_children_together() -> None:
    code, peak = watch([sys.executable, "-c", PARENT])
    assert code == 0
    assert len(peak.processes) == 2
    assert 2 * SIZE < peak.total.anonymous < 3 * SIZE


def test_a_command_is_interrupted_when_its_time_is_over() -> None:
    code, _ = watch(["sleep", "60"], seconds=1.0)
    assert code == -2


def test_mapped_files_and_shared_memory_do_not_count_as_anonymous() -> None:
    status = {"PPid": 1, "RssAnon": 7, "RssFile": 2, "RssShmem": 3}
    assert usage_of(status) == Usage(7 * 1024, 5 * 1024)
    assert usage_of({}) == Usage(0, 0)  # it has just ended


def test_a_peak_is_a_table_with_a_row_for_each_process() -> None:
    peak = Peak(3.0, {7: Usage(2_000_000, 0), 8: Usage(1_000_000, 5_000)})
    assert describe(peak).splitlines() == [
        "peak after 3.0 s",
        "process      anonymous    of files",
        "all               3 MB        5 kB",
        "7                 2 MB         0 B",
        "8                 1 MB        5 kB",
    ]
