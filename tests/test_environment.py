"""run.sh in a checkout of its own, with tiny wheels in place of the real packages."""

import base64
import errno
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import environment
from pipeline.environment import GPU_MARKER, IMPORTS, read_pins, reason
from pipeline.errors import PipelineError

PROJECT = Path(__file__).resolve().parent.parent
PYTHON = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
LIB = "lib/python{}.{}/site-packages".format(*sys.version_info)
MAIN, TESTS = IMPORTS
# the pipeline of these checkouts tells how it was started
PIPELINE = """
import fcntl, os, sys
print(sys.prefix, *sys.argv[1:])
print("safe" if sys.flags.safe_path else "not safe", os.environ["PYTHONPATH"])
with open(sys.prefix + "/in-use.lock") as file:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("in use")
"""
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
INTRUDER = "open({!r}, 'a').write(__name__)\nraise SystemExit('the intruder ran')\n"


def make_wheel(folder: Path, name: str, version: str = "1.0", code: str = "") -> str:
    """Puts a package of one module into a folder; returns its line of requirements."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": code or f"version = {version!r}\n",
        f"{info}/METADATA": METADATA.format(name, version),
        f"{info}/WHEEL": WHEEL,
    }
    rows = [f"{path},{digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    folder.mkdir(exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for path, text in files.items():
            file.writestr(zipfile.ZipInfo(path), text)  # always the same bytes
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name}=={version} \\\n    --hash=sha256:{sha256}\n"


def digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Checkout:
    """A project of the user, and the machine that it is on."""

    def __init__(self, root: Path, machine: Path) -> None:
        self.root, self.machine = root, machine
        self.venv, self.site = root / ".venv", root / ".venv" / LIB
        self.out = self.err = ""

    def command(self, **variables: str) -> dict[str, str]:
        """The variables of a machine with its own PATH and home folder."""
        return {
            "PATH": f"{self.machine / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.machine / "home"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.machine / "wheels"),
            environment.VARIANT: "cpu",
            **variables,
        }

    def start(
        self, *words: str, cwd: Path | None = None, **variables: str
    ) -> subprocess.Popen:
        return subprocess.Popen(
            [*(words or (str(self.root / "run.sh"),))],
            cwd=cwd or self.root,
            env=self.command(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, cwd: Path | None = None, **variables: str) -> int:
        process = self.start(*words, cwd=cwd, **variables)
        self.out, self.err = process.communicate(timeout=100)
        return process.returncode

    def require(self, line: str) -> None:
        """Lets a line of requirements take the place of the package's old one."""
        file = self.root / MAIN
        name = line.partition("==")[0]
        old = re.compile(rf"(?m)^{name}==.*\n( .*\n)*")
        file.write_text(old.sub("", file.read_text()) + line)

    def place(self, name: str, text: str) -> Path:
        """A program of this machine."""
        path = self.machine / "bin" / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path


MODULES = ("environment", "errors", "signals")  # all that it takes


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Where run.sh was called once."""
    place = tmp_path_factory.mktemp("first")
    root, machine = place / "project", place / "machine"
    for folder in ("pipeline", "tests"):
        (root / folder).mkdir(parents=True)
    for name in ("run.sh", *(f"pipeline/{name}.py" for name in MODULES)):
        shutil.copy(PROJECT / name, root / name)
    (root / "pipeline" / "__init__.py").touch()
    (root / "pipeline" / "__main__.py").write_text(PIPELINE)
    (machine / "bin").mkdir(parents=True)
    (machine / "home").mkdir()
    (machine / "bin" / "python3.12").symlink_to(PYTHON)
    for name, modules in IMPORTS.items():
        lines = [make_wheel(machine / "wheels", module) for module in modules]
        (root / name).write_text("# what it needs\n" + "".join(lines))
    checkout = Checkout(root, machine)
    assert checkout.run() == 0, checkout.err
    return checkout


@pytest.fixture
def checkout(first: Checkout, tmp_path: Path) -> Checkout:
    """A copy, with an environment that is ready."""
    for folder in (first.root, first.machine):
        shutil.copytree(folder, tmp_path / folder.name, symlinks=True)
    return Checkout(tmp_path / "project", tmp_path / "machine")


@pytest.fixture
def intruders(tmp_path: Path) -> Iterator[Path]:
    """A folder with files of the names that Python, pip and uv look for; none runs."""
    folder = tmp_path / "intruders"
    (folder / "pipeline").mkdir(parents=True)
    ran = tmp_path / "ran"
    modules = ("venv", "pytest", "json", "pip", "csv", "numpy", "sitecustomize")
    for name in (*modules, "pipeline/__init__", "pipeline/__main__"):
        (folder / f"{name}.py").write_text(INTRUDER.format(str(ran)))
    for name in ("uv.toml", "pip.conf", "setup.cfg"):
        (folder / name).write_text("this is no configuration")
    yield folder
    assert not ran.exists()


def test_the_first_call_makes_the_environment_and_runs_the_pipeline(
    first: Checkout,
) -> None:
    assert first.err.splitlines() == [
        f"Setting up {first.venv} for the CPU; it takes minutes, once.",
        f"Installing {len(IMPORTS[MAIN])} packages, up to 2.6 GB.",
        f"Testing the imports of {first.venv}.",
    ]
    assert first.out.splitlines() == [str(first.venv), f"safe {first.root}", "in use"]


def test_the_next_call_says_nothing_and_hands_on_its_words(checkout: Checkout) -> None:
    assert checkout.run(str(checkout.root / "run.sh"), "all", "--work", "a b") == 0
    assert checkout.out.startswith(f"{checkout.venv} all --work a b\n")
    assert checkout.err == ""


def test_a_comment_changes_nothing(checkout: Checkout) -> None:
    file = checkout.root / MAIN
    file.write_text("# another word\n\n" + file.read_text())
    assert checkout.run() == 0
    assert checkout.err == ""


def test_only_what_differs_is_installed_and_what_the_user_added_stays(
    checkout: Checkout,
) -> None:
    for name, version in (("mine", "1.0"), ("numpy", "0.9")):
        make_wheel(checkout.machine / "wheels", name, version)
    pip = (str(checkout.venv / "bin" / "python"), "-m", "pip", "install", "-q")
    assert checkout.run(*pip, "mine", "numpy==0.9") == 0
    others = checkout.site / "scipy" / "__init__.py"
    before = others.stat().st_ino
    assert checkout.run() == 0
    assert checkout.err.splitlines()[0] == "Installing numpy 1.0."
    assert "1.0" in (checkout.site / "numpy" / "__init__.py").read_text()
    assert (checkout.site / "mine").is_dir()
    assert others.stat().st_ino == before


def test_what_a_killed_installation_left_is_completed(checkout: Checkout) -> None:
    (checkout.site / "numpy-1.0.dist-info" / "RECORD").unlink()
    shutil.rmtree(checkout.site / "scipy-1.0.dist-info")
    shutil.rmtree(checkout.site / "pandas")
    shutil.copytree(
        checkout.site / "six-1.0.dist-info", checkout.site / "six-0.9.dist-info"
    )
    assert checkout.run() == 0
    assert checkout.err.splitlines()[0] == "Installing 4 packages, up to 2.6 GB."
    assert (checkout.site / "pandas").is_dir()
    assert not (checkout.site / "six-0.9.dist-info").exists()
    assert checkout.run() == 0
    assert checkout.err == ""


def test_settings_of_pip_that_cannot_be_read_are_said(checkout: Checkout) -> None:
    checkout.require(make_wheel(checkout.machine / "wheels", "numpy", "2.0"))
    conf = checkout.machine / "company.conf"
    conf.write_text("index-url = x\n")
    assert checkout.run(PIP_CONFIG_FILE=str(conf)) == 0
    assert "warning: pip's settings cannot be read, so they do not count:" in (
        checkout.err
    )


@pytest.mark.slow
def test_a_killed_set_up_is_completed_and_nothing_of_the_current_folder_is_run(
    checkout: Checkout, intruders: Path
) -> None:
    shutil.rmtree(checkout.venv)
    variables = {"PIP_TARGET": "/nowhere", "PYTHONHOME": "/nowhere", "PIP_USER": "1"}
    process = checkout.start(cwd=intruders, **variables)
    assert process.stderr.readline().startswith("Setting up")
    time.sleep(0.3)  # Python is there, pip is not
    process.kill()
    process.communicate()
    assert not list(checkout.venv.glob("tested*"))
    for _ in range(2):
        assert checkout.run(cwd=intruders, **variables) == 0
        assert checkout.out.startswith(f"{checkout.venv}\n")
    assert checkout.err == ""


def test_the_one_that_comes_second_waits_for_the_first(checkout: Checkout) -> None:
    checkout.require(make_wheel(checkout.machine / "wheels", "numpy", "2.0"))
    one = checkout.start()
    assert one.stderr.readline().startswith("Installing numpy 2.0")
    assert checkout.run() == 0
    one.communicate()
    assert one.returncode == 0
    assert re.fullmatch(
        rf"Waiting for process {one.pid} on \S+, which sets up {checkout.venv}\.\n",
        checkout.err,
    )


def test_the_wait_for_another_set_up_has_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "WAIT_SECONDS", 0)
    (tmp_path / "set-up.lock").write_text("process 7 on node3\n")
    said = f"process 7 on node3 still sets up {tmp_path}, after 0 s. Run this again"
    with open(tmp_path / "set-up.lock") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(PipelineError, match=said), environment.alone(tmp_path):
            pass


def test_packages_are_not_exchanged_under_a_run(checkout: Checkout) -> None:
    checkout.require(make_wheel(checkout.machine / "wheels", "numpy", "2.0"))
    with open(checkout.venv / "in-use.lock") as run:
        fcntl.flock(run, fcntl.LOCK_SH)
        assert checkout.run() == 1
        assert checkout.err == (
            f"error: {checkout.venv} needs another version of numpy 2.0, and a run "
            "that goes on uses it. Wait for it to end, then run the same command "
            "again.\n"
        )
        assert (checkout.site / "numpy-1.0.dist-info").is_dir()
    assert checkout.run() == 0


def test_packages_are_added_under_a_run(checkout: Checkout) -> None:
    checkout.require(make_wheel(checkout.machine / "wheels", "more"))
    with open(checkout.venv / "in-use.lock") as run:
        fcntl.flock(run, fcntl.LOCK_SH)
        assert checkout.run() == 0
    assert (checkout.site / "more").is_dir()


def test_a_file_system_without_locks_is_said_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def unknown(file: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unknown)
    with environment.alone(tmp_path):
        pass
    assert capsys.readouterr().err == (
        "warning: the environment cannot be locked (No locks available). Start only "
        "one set-up at a time.\n"
    )


def test_a_checkout_that_may_not_be_written_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    assert environment.open_use(tmp_path) is None
    assert environment.lock(None, fcntl.LOCK_SH)


def test_where_it_cannot_be_made_is_said_in_one_line(checkout: Checkout) -> None:
    shutil.rmtree(checkout.venv)
    checkout.venv.write_text("")
    assert checkout.run() == 1
    assert checkout.err == (
        f"error: {checkout.venv} cannot be made: File exists ({checkout.venv}).\n"
    )


def test_variables_and_settings_of_pip_do_not_move_packages(checkout: Checkout) -> None:
    checkout.require(make_wheel(checkout.machine / "wheels", "numpy", "2.0"))
    nowhere = str(checkout.machine / "nowhere")
    conf = checkout.machine / "home" / ".config" / "pip" / "pip.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(f"[install]\ntarget = {nowhere}\nno-deps = maybe\n")
    pip = dict.fromkeys(("TARGET", "PREFIX", "ROOT", "CONSTRAINT"), nowhere)
    pip |= dict.fromkeys(("USER", "DRY_RUN", "REQUIRE_VIRTUALENV", "NO_BINARY"), "1")
    others = dict.fromkeys(("PYTHONHOME", "VIRTUAL_ENV", "PYTHONUSERBASE"), nowhere)
    variables = {f"PIP_{name}": value for name, value in pip.items()} | others
    assert checkout.run(**variables, PYTHONOPTIMIZE="2", CDPATH="/tmp") == 0
    assert (checkout.site / "numpy-2.0.dist-info").is_dir()
    assert not Path(nowhere).exists()


def test_where_packages_come_from_is_the_users(checkout: Checkout) -> None:
    mirror = checkout.machine / "mirror"
    checkout.require(make_wheel(mirror, "numpy", "2.0"))
    conf = checkout.machine / "company.conf"
    conf.write_text(f"[global]\nfind-links =\n    {mirror}\n    /none\n")
    variables = checkout.command(PIP_CONFIG_FILE=str(conf))
    del variables["PIP_FIND_LINKS"]
    done = subprocess.run([checkout.root / "run.sh"], env=variables)
    assert done.returncode == 0
    assert (checkout.site / "numpy-2.0.dist-info").is_dir()


def test_nothing_of_the_current_folder_is_tested(
    checkout: Checkout, intruders: Path
) -> None:
    code = "import sys; print('tested', *sys.argv[1:])"
    wheels = checkout.machine / "wheels"
    lines = [make_wheel(wheels, name) for name in {*IMPORTS[TESTS]} - {"pytest"}]
    lines.append(make_wheel(wheels, "pytest", "2.0", "if 0: pass"))
    (checkout.root / TESTS).write_text("".join(lines))
    assert checkout.run(str(checkout.root / "run.sh"), "test", cwd=intruders) == 1
    (checkout.site / "pytest" / "__main__.py").write_text(code)
    words = (str(checkout.root / "run.sh"), "test", "-k", "sky")
    assert checkout.run(*words, cwd=intruders) == 0
    assert checkout.err == ""
    root = checkout.root
    assert checkout.out == (
        f"tested --rootdir {root} -c {root}/pyproject.toml {root}/tests -k sky\n"
    )


def test_sh_and_links_and_cdpath_lead_to_the_checkout(
    checkout: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "home bin").mkdir()
    link = tmp_path / "home bin" / "galaxies"
    link.symlink_to("../second")
    (tmp_path / "second").symlink_to(checkout.root / "run.sh")
    (tmp_path / "elsewhere" / "project").mkdir(parents=True)
    for words in ((str(link),), ("sh", "project/run.sh"), ("bash", "project/run.sh")):
        assert checkout.run(*words, cwd=tmp_path, CDPATH=f"{tmp_path}/elsewhere") == 0
        assert checkout.out.splitlines()[0] == str(checkout.venv)
        assert checkout.err == ""


def test_a_run_sh_that_was_copied_out_of_its_project_says_so(
    checkout: Checkout, tmp_path: Path
) -> None:
    shutil.copy(checkout.root / "run.sh", tmp_path)
    assert checkout.run(str(tmp_path / "run.sh")) == 1
    assert checkout.err == (
        f"error: {tmp_path}/run.sh is alone; put a link to the project's there "
        "instead.\n"
    )


def test_a_link_to_a_disk_that_is_not_there_is_named(checkout: Checkout) -> None:
    shutil.rmtree(checkout.venv)
    checkout.venv.symlink_to("/no/such/disk")
    assert checkout.run() == 1
    assert checkout.err == (
        f"error: {checkout.venv} is a link to /no/such/disk, where no folder is. Mount "
        "its disk, or remove the link.\n"
    )


def test_a_python_that_is_gone_is_replaced_in_a_linked_environment_too(
    checkout: Checkout, tmp_path: Path
) -> None:
    before = (checkout.site / "numpy" / "__init__.py").stat().st_ino
    for link in (checkout.venv / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/gone/python")
    checkout.venv.symlink_to(checkout.venv.rename(tmp_path / "disk"))
    assert checkout.run() == 0
    assert checkout.err.startswith(f"Setting up {checkout.venv} for the CPU;")
    assert "Installing" not in checkout.err
    assert checkout.venv.is_symlink()
    assert (checkout.site / "numpy" / "__init__.py").stat().st_ino == before


@pytest.mark.slow
def test_packages_of_another_minor_version_are_left_to_who_uses_them(
    checkout: Checkout,
) -> None:
    other = checkout.venv / "lib" / "python3.0"
    (checkout.venv / "lib" / checkout.site.parent.name).rename(other)
    assert checkout.run() == 0
    assert f"Installing {len(IMPORTS[MAIN])} packages" in checkout.err
    assert (other / "site-packages" / "numpy").is_dir()


def test_without_a_python_that_fits_it_is_asked_for(checkout: Checkout) -> None:
    shutil.rmtree(checkout.venv)
    for name in ("python", "python3", "python3.11", "python3.12", "python3.13"):
        checkout.place(name, "#!/bin/sh\nexit 1\n")
    assert checkout.run() == 1
    assert checkout.err == (
        "error: this needs Python 3.11, 3.12 or 3.13; install one of them.\n"
    )


def test_gpu_and_cpu_have_an_environment_each(checkout: Checkout) -> None:
    line = make_wheel(checkout.machine / "wheels", "nvidia")
    checkout.require(line.replace(" \\", f" ; {GPU_MARKER} \\"))
    before = (checkout.venv / f"tested-{MAIN}").stat().st_mtime_ns
    checkout.place("nvidia-smi", "#!/bin/sh\necho GPU 0: one\n")
    shutil.copytree(checkout.venv, checkout.root / ".venv-gpu", symlinks=True)
    assert checkout.run(**{environment.VARIANT: ""}) == 0
    assert checkout.out.startswith(f"{checkout.venv}-gpu\n")
    assert (checkout.root / ".venv-gpu" / LIB / "nvidia").is_dir()
    assert checkout.run() == 0
    assert checkout.err == ""
    assert not (checkout.site / "nvidia").exists()
    assert (checkout.venv / f"tested-{MAIN}").stat().st_mtime_ns == before


def test_a_variant_of_another_name_is_refused(checkout: Checkout) -> None:
    assert checkout.run(**{environment.VARIANT: "tpu"}) == 2
    assert checkout.err == "error: GALAXY_ZOO_VARIANT must be cpu or gpu. Got 'tpu'.\n"


def test_an_nvidia_smi_that_hangs_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\nsleep 60 & wait\n")  # a child holds its output
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv(environment.VARIANT, raising=False)
    monkeypatch.setattr(environment, "GPU_SECONDS", 0.2)
    start = time.monotonic()
    assert environment.variant() == "cpu"
    assert time.monotonic() - start < 2
    assert capsys.readouterr().err == (
        "warning: nvidia-smi does not answer within 0.2 s, so no GPU is used. "
        "With GALAXY_ZOO_VARIANT=cpu or GALAXY_ZOO_VARIANT=gpu it is not asked.\n"
    )


def test_a_wheel_that_is_not_to_be_had_is_named(checkout: Checkout) -> None:
    checkout.require(make_wheel(checkout.machine / "other", "numpy", "2.0"))
    assert checkout.run() == 1
    lines = checkout.err.splitlines()
    assert lines[0] == "Installing numpy 2.0."
    assert lines[1].startswith(
        f"error: {checkout.venv} is not complete: there is no wheel of numpy==2.0 for "
    )
    assert lines[1].endswith(f" All it said is in {checkout.venv}/install.log.")
    assert len(lines) == 2
    make_wheel(checkout.machine / "wheels", "numpy", "2.0")
    assert checkout.run() == 0


def test_a_package_other_than_the_listed_one_is_refused(checkout: Checkout) -> None:
    checkout.require(make_wheel(checkout.machine / "wheels", "numpy", "2.0"))
    make_wheel(checkout.machine / "wheels", "numpy", "2.0", "evil = True\n")
    assert checkout.run() == 1
    assert checkout.err.splitlines()[1] == (
        f"error: {checkout.venv} is not complete: a package is not the one that "
        "requirements.txt lists. Look at what serves your packages: a proxy, or an "
        f"index of your own. All it said is in {checkout.venv}/install.log."
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "raise ImportError('libGL.so.1: no such file')",
            "ImportError: libGL.so.1: no",
        ),
        ("import os; os.kill(os.getpid(), 4)", "SIGILL. Mend that"),
    ],
)
def test_an_environment_counts_only_once_its_imports_work(
    checkout: Checkout, code: str, said: str
) -> None:
    checkout.require(make_wheel(checkout.machine / "wheels", "numpy", "2.0", code))
    for _ in range(2):
        assert checkout.run() == 1
        assert checkout.err.splitlines()[-1].startswith(
            f"error: {checkout.venv} is complete, but numpy cannot be imported: {said}"
        )
        assert checkout.out == ""
    assert "Installing" not in checkout.err


def test_uv_is_asked_first_and_pip_where_it_fails(checkout: Checkout) -> None:
    checkout.require(make_wheel(checkout.machine / "wheels", "numpy", "2.0"))
    asked = checkout.machine / "asked"
    checkout.place("uv", f'#!/bin/sh\n(echo "$*"; env) >{asked}\nexit 2\n')
    variables = {
        "UV_TARGET": "/no",
        "UV_INDEX_URL": "file:///kept",
        "UV_SYSTEM_PYTHON": "1",
    }
    assert checkout.run(**variables) == 0
    lines = asked.read_text().splitlines()
    assert lines[0].startswith(f"pip install --no-config --python {checkout.venv}/bin/")
    assert "UV_INDEX_URL=file:///kept" in lines
    assert not [line for line in lines if re.match("UV_(TARGET|SYS)|PYTHON", line)]
    assert (checkout.site / "numpy-2.0.dist-info").is_dir()


def test_a_polite_end_stops_the_installation(checkout: Checkout) -> None:
    checkout.require(make_wheel(checkout.machine / "wheels", "numpy", "2.0"))
    asked = checkout.machine / "asked"
    checkout.place("uv", f"#!/bin/sh\ntouch {asked}\nexec sleep 60\n")
    process = checkout.start()
    while not asked.exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 143


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space "
            "left on device",
            "no space is left. Make room on its disk",
        ),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by "
            "'NewConnectionError('Temporary failure in name resolution')'\n"
            "ERROR: No matching distribution found for numpy==2.4.6",
            "the package index cannot be reached. Look at the network",
        ),
        (
            "error: Failed to fetch: `numpy`\n  Caused by: dns error",
            "the package index cannot be reached. Look at the network",
        ),
        (
            "ERROR: Hashes are required in --require-hashes mode, but they are missing",
            "a package is listed without its hashes. Name it in pyproject.toml",
        ),
        (
            "Error: Refusing to create a venv in /a:b because it contains the PATH "
            "separator :.",
            "its path has a colon in it. Move the project",
        ),
        ("No module named ensurepip", "this Python lacks ensurepip. On Debian"),
        (os.strerror(errno.EROFS), "it may not be written. Ask its owner"),
    ],
)
def test_what_failed_is_explained(said: str, line: str) -> None:
    assert reason(said).startswith(line)


@pytest.mark.parametrize(
    "line", ["numpy", "numpy>=2", "numpy==2.4 ; python_version < '3.12'", "-r more.txt"]
)
def test_requirements_that_are_not_pinned_are_refused(
    tmp_path: Path, line: str
) -> None:
    (tmp_path / MAIN).write_text(f"# one\n{line}\n")
    with pytest.raises(PipelineError) as caught:
        read_pins(tmp_path / MAIN, "cpu")
    assert str(caught.value) == (
        f'{tmp_path / MAIN} line 2: expected name==version, got "{line}". Name '
        "packages in pyproject.toml and run .ci/pin, which needs uv."
    )


def test_a_list_that_is_gone_is_named(checkout: Checkout) -> None:
    (checkout.root / MAIN).unlink()
    assert checkout.run() == 1
    assert checkout.err.startswith(f"error: {checkout.root / MAIN} cannot be read: ")
    assert checkout.err.endswith(
        f'Get it back with "git -C {checkout.root} checkout {MAIN}".\n'
    )


def test_the_lists_hold_every_package_with_its_hashes() -> None:
    direct = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    for name, asked in (
        (MAIN, direct["dependencies"]),
        (TESTS, direct["optional-dependencies"]["test"]),
    ):
        for variant in ("cpu", "gpu"):
            pins = read_pins(PROJECT / name, variant)
            assert {pin.replace("_", "-").lower() for pin in asked} <= pins.keys()
            assert all("--hash=sha256:" in hashes for hashes in pins.values())


def test_the_list_serves_cpu_and_gpu() -> None:
    cpu, gpu = (read_pins(PROJECT / MAIN, variant) for variant in ("cpu", "gpu"))
    assert cpu.items() < gpu.items()
    assert {pin.partition("-")[0] for pin in gpu.keys() - cpu.keys()} == {"nvidia"}


def test_the_lists_name_no_index() -> None:
    for name in IMPORTS:
        text = (PROJECT / name).read_text()
        assert "--only-binary :all:\n" in text
        assert not re.search("://|index-url|find-links", text)
