"""Control groups (cgroups(7)) and /proc/cpuinfo, as the kernel writes them."""

from pathlib import Path

import pytest

from pipeline import machine
from pipeline.machine import (
    can_bfloat16,
    has_bfloat16,
    instructions,
    memory_bytes,
    num_cores,
    processor,
)

GB = 1_000_000_000
CORE = """processor\t: {number}
model name\t: Somebody's Processor @ 2.80GHz
flags\t\t: fpu sse2 avx2 {more}
vmx flags\t: vnmi ept
bugs\t\t: spectre_v1

"""


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 8 cores whose control groups a test writes."""
    monkeypatch.setattr(machine, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(machine, "GROUPS", tmp_path)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: range(8))
    return tmp_path


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_no_control_groups_no_limits(groups: Path) -> None:
    assert num_cores() == 8
    assert memory_bytes() > GB


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("1 x", 8)],
)
def test_a_quota_of_version_2_counts(groups: Path, quota: str, cores: int) -> None:
    write(groups, own="0::/batch/job7")
    write(groups / "batch" / "job7", cpu__max="max 100000", memory__max="max")
    write(groups / "batch", cpu__max=quota, memory__max=str(GB))
    assert num_cores() == cores
    assert memory_bytes() == GB


@pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("150000", 2)])
def test_a_quota_of_version_1_counts(groups: Path, quota: str, cores: int) -> None:
    write(groups, own="4:memory:/docker/a1\n2:cpu,cpuacct:/docker/a1\n0::/")
    write(groups / "cpu", cpu__cfs_quota_us=quota, cpu__cfs_period_us="100000")
    write(groups / "memory" / "docker" / "a1", memory__limit_in_bytes=str(2 * GB))
    write(groups / "memory", memory__limit_in_bytes="9223372036854771712")
    assert num_cores() == cores
    assert memory_bytes() == 2 * GB


def test_another_system_has_no_affinity(
    groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(machine.os, "sched_getaffinity")
    monkeypatch.setattr(machine.os, "cpu_count", lambda: None)
    assert num_cores() == 1


def test_the_processor_is_called_what_it_calls_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine.platform, "machine", lambda: "arm64")
    assert processor() == "arm64"
    write(tmp_path, cpuinfo="model\t\t: 1\nmodel name\t: AMD EPYC 9R14 \nflags\t: fpu")
    assert processor() == "AMD EPYC 9R14"


@pytest.mark.parametrize(
    ("more", "native", "can"),
    [
        ("avx512f avx512_vnni", False, True),
        ("avx512f avx512_bf16", True, True),  # Zen 4, Cooper Lake
        ("amx_bf16 amx_tile", True, True),  # Sapphire Rapids
        ("avx512f", False, True),  # Skylake: oneDNN does it with float32
        ("xavx512_bf16", False, False),
    ],
)
def test_a_processor_tells_its_instructions(
    more: str, native: bool, can: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("".join(CORE.format(number=n, more=more) for n in range(2)))
    monkeypatch.setattr(machine, "CPU_INFO", file)
    assert instructions() == {"fpu", "sse2", "avx2", *more.split()}
    assert has_bfloat16() == native
    assert can_bfloat16() == can


@pytest.mark.parametrize("text", ["", "Features\t: fp asimd bf16\n", None])
def test_a_processor_that_tells_no_flags_has_none(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(machine, "CPU_INFO", file)
    assert instructions() == set()
    assert not has_bfloat16()
