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
import zipfile
from pathlib import Path

import numpy as np

from pipeline.data.tables import write_fractions
from pipeline.runs.origin import kaggle_folder
from pipeline.runs.paths import PROJECT, WorkDir
from tests.kaggle_stand_in import TOKEN, StandIn
from tests.miniature import some_fractions

IMAGES = {  # as Kaggle lists them: how many, and bytes of the zip
    "images_training_rev1": (61_578, 791_750_000),
    "images_test_rev1": (79_975, 1_010_000_000),
}
TABLES = {
    "images_training_rev1": "training_solutions_rev1",
    "images_test_rev1": "all_zeros_benchmark",
}
KILLS = 10
OVERHEAD = 146  # bytes a zip spends on a member with a name of 31 letters


def main() -> None:
    place = Path(sys.argv[1])
    competition, work = place / "competition", WorkDir(place / "work")
    make_competition(competition)
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


def make_competition(folder: Path) -> None:
    """Zips of the true sizes and numbers of members, with random bytes for jpgs."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name, (count, size) in IMAGES.items():
        path = folder / f"{name}.zip"
        if path.exists():
            continue
        ids = np.arange(100_008, 100_008 + count)
        length = size // count - OVERHEAD
        with zipfile.ZipFile(path, "w") as archive:
            for galaxy in ids:
                archive.writestr(f"{name}/{galaxy}.jpg", rng.bytes(length))
        table = folder / f"{TABLES[name]}.csv"
        write_fractions(table, ids, some_fractions(count))
        with zipfile.ZipFile(
            table.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED
        ) as archive:
            archive.write(table, table.name)
        table.unlink()


if __name__ == "__main__":
    main()
