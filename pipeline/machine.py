"""What this process may use of the machine: its processor, cores and memory.

A container or a batch system sets limits by control groups, each for all groups below
it (cgroups(7), of both versions).
"""

import math
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

OWN_GROUPS, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
CPU_INFO = Path("/proc/cpuinfo")
BFLOAT16 = {"avx512_bf16", "amx_bf16"}  # instructions that multiply it
BFLOAT16_EMULATED = {"avx512f", "avx_ne_convert"}  # by which oneDNN does without these


def num_cores() -> int:
    """The cores this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    return max(1, math.ceil(min([usable, *core_limits()])))


def num_at_once(threads: int) -> int:
    """How many networks are trained side by side, each on so many cores; 0: on all."""
    return max(1, num_cores() // threads) if threads else 1


def memory_bytes() -> int:
    """The memory this process may use."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([total, *memory_limits()])


def processor() -> str:
    """What the processor calls itself; where it does not say, its kind."""
    try:
        text = CPU_INFO.read_text(errors="replace")
    except OSError:  # not Linux
        text = ""
    found = re.search(r"^(?:model name|Model)\s*: *(.*\S)", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def instructions() -> set[str]:
    """What the processor can, by the kernel's names; empty where it tells none."""
    try:
        lines = CPU_INFO.read_text(errors="replace").splitlines()
    except OSError:  # not Linux
        return set()
    for line in lines:
        name, _, words = line.partition(":")
        if name.strip() == "flags":  # of the first core; they have the same
            return set(words.split())
    return set()


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself."""
    return not BFLOAT16.isdisjoint(instructions())


def can_bfloat16() -> bool:
    """Whether TensorFlow computes in bfloat16 on this processor, however slowly."""
    return not (BFLOAT16 | BFLOAT16_EMULATED).isdisjoint(instructions())


def core_limits() -> Iterator[float]:
    """How many cores the control groups allow."""
    for folder in groups_with("cpu"):
        version_1 = folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us"
        for files in ((folder / "cpu.max",), version_1):
            found = [number for file in files for number in numbers(file)]
            # without a limit the quota is -1, or a word
            if len(found) == 2 and min(found) > 0:
                yield found[0] / found[1]


def memory_limits() -> Iterator[int]:
    """How many bytes the control groups allow."""
    for folder in groups_with("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            yield from numbers(folder / name)


def groups_with(controller: str) -> Iterator[Path]:
    """The control groups of this process for a controller, and all above them.

    In a container the names may be those outside it, which are not there.
    """
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = GROUPS / controller if controllers else GROUPS
        own = root / name.lstrip("/")
        yield from (
            place for place in (own, *own.parents) if place.is_relative_to(root)
        )


def numbers(file: Path) -> list[int]:
    """The integers in a file, in order; none where it cannot be read."""
    try:
        words = file.read_text().split()
    except (OSError, ValueError):
        return []
    return [int(word) for word in words if word.lstrip("-").isdigit()]
