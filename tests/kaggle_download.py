"""A check run by hand: a download of full size, killed ten times.

`python -m tests.kaggle_download FOLDER`, from the project's folder; it writes 4 GB
below FOLDER, takes some minutes, and prints bytes fetched, memory and the outcome.
Nothing leaves the machine.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from pipeline.runs.origin import kaggle_folder
from pipeline.runs.paths import PROJECT, WorkDir
from tests.full_size import write_full_size
from tests.kaggle_stand_in import TOKEN, StandIn

KILLS = 10


def main() -> None:
    place = Path(sys.argv[1])
    competition, work = place / "competition", WorkDir(place / "work")
    if not competition.exists():
        write_full_size(competition)
    size = sum(path.stat().st_size for path in competition.glob("*.zip"))
    moments = sorted(random.uniform(0, size) for _ in range(KILLS))
    memory, started = 0, time.monotonic()
    with StandIn(competition) as stand_in:
        for moment in [*moments, None]:
            code, peak = run(stand_in, work, moment)
            memory = max(memory, peak)
            told = (
                f"killed at {moment / 1e6:,.0f} MB" if moment else f"exit code {code}"
            )
            print(f"{told}; peak memory {peak / 1e6:.0f} MB", flush=True)
        fetched = sum(stand_in.bytes_sent.values())
        print(f"connections to the storage: {stand_in.calls['storage']}")
    same = all(
        (kaggle_folder(work) / path.name).read_bytes() == path.read_bytes()
        for path in competition.glob("*.zip")
    )
    left = sorted(path.name for path in kaggle_folder(work).iterdir())
    print(f"size {size / 1e6:,.1f} MB, fetched {fetched / 1e6:,.1f} MB")
    print(f"ratio {fetched / size:.4f} (at most 1.2), {KILLS} kills")
    print(f"peak memory {memory / 1e6:.0f} MB (at most 300)")
    print(f"every byte the same: {same}; in raw/: {', '.join(left)}")
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(not (same and code == 0 and fetched <= 1.2 * size and memory < 300e6))


def run(stand_in: StandIn, work: WorkDir, moment: float | None) -> tuple[int, int]:
    """Downloads; kills the process once so many bytes are on the disk.

    Returns:
        The exit code, and the most memory it had, in bytes.
    """
    environment = os.environ | {
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        "HTTP_PROXY": stand_in.url,
        "KAGGLE_API_TOKEN": TOKEN,
        "HOME": str(work.root.parent / "home"),
    }
    environment.pop("NO_PROXY", None), environment.pop("no_proxy", None)
    command = [sys.executable, "-m", "pipeline", "download", "--source=kaggle"]
    process = subprocess.Popen(
        [*command, f"--work={work.root}"], env=environment, cwd=PROJECT
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory_of(process.pid))
        if moment is not None and bytes_in(kaggle_folder(work)) > moment:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.005)
    return process.returncode, peak


def memory_of(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if "VmHWM" in line)


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.zip*"))


if __name__ == "__main__":
    main()
