"""tools/env where nothing may be downloaded: what it refuses, and that it leaves nothing half-made."""

import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ENV = CHECKOUT / "tools/env"
# What tools/env itself uses of a system; everything else is a stub or absent.
PLAIN = "bash env dirname mkdir rm mv touch sed cut tr xargs sha256sum flock df awk uname cat sleep grep readlink".split()

# Stubs of mmdebstrap and tar: the root's folder is the last argument (as an ordinary user: goes through tar).
BOOTSTRAP = 'for last; do :; done; [ "$last" = - ] || mkdir -p "$last/etc"'
TAR = 'cat; mkdir -p "$3/etc"'

with_keys = pytest.mark.skipif(
    not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists(), reason="needs Debian's keys"
)


@pytest.fixture
def host(tmp_path):
    """A host with Debian's keys but without DOLFINx and mmdebstrap, where bwrap is not allowed: its commands."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PLAIN:
        (folder / name).symlink_to(shutil.which(name))
    stub(folder, "bwrap", "exit 1")
    stub(folder, "tar", TAR)
    return folder


def stub(folder, name, script):
    path = folder / name
    path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
    path.chmod(0o755)


def environment(folder, **more):
    return {
        "PATH": str(folder),
        "HOME": str(folder.parent),
        "CHIPSIM_CACHE": str(folder.parent / "cache"),
        **more,
    }


def run(folder, *arguments, **more):
    command = [str(ENV), *arguments]
    return subprocess.run(
        command, env=environment(folder, **more), capture_output=True, text=True, check=False
    )


def one_sentence(process):
    lines = process.stderr.strip().splitlines()
    assert process.stdout == ""
    assert lines[-1].startswith("tools/env: ")
    assert lines[-1].endswith(".")
    return lines[-1]


@pytest.mark.parametrize("arguments", [[], ["--suite"], ["--suite", "sid"], ["--nonsense", "true"]])
def test_misuse_gives_usage(host, arguments):
    process = run(host, *arguments)
    assert process.returncode == 2
    assert process.stdout == ""
    assert process.stderr.startswith("usage: tools/env")


def test_cache_that_cannot_be_written(host, tmp_path):
    (tmp_path / "file").touch()
    process = run(host, "true", CHIPSIM_CACHE=str(tmp_path / "file" / "cache"))
    assert process.returncode == 1
    assert "CHIPSIM_CACHE" in one_sentence(process)


def test_no_way_names_the_alternatives(host, tmp_path):
    process = run(host, "true")
    assert process.returncode == 1
    sentence = one_sentence(process)
    assert "apt install mmdebstrap" in sentence
    assert "conda" in sentence
    assert "Docker" in sentence
    assert [p.suffix for p in (tmp_path / "cache").iterdir()] == [".lock"]


@with_keys
def test_failed_bootstrap_leaves_nothing(host, tmp_path):
    stub(host, "mmdebstrap", 'echo "E: no network" >&2; for last; do :; done; touch "$last/half"; exit 25')
    process = run(host, "true")
    assert process.returncode == 1
    assert "E: no network" in process.stderr
    assert "could not be made" in one_sentence(process)
    assert [p.suffix for p in (tmp_path / "cache").iterdir()] == [".lock"]


@with_keys
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_interrupted_bootstrap_leaves_nothing(host, tmp_path, number, status):
    stub(host, "mmdebstrap", f"echo $$ >{tmp_path}/pid; sleep 60")
    # A test run in the background of a shell has Ctrl-C ignored, and would pass that on.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        [str(ENV), "true"], env=environment(host), stderr=subprocess.PIPE, preexec_fn=heard
    ) as process:
        deadline = time.monotonic() + 20
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        assert process.wait(20) == status
    state = Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")
    assert not state.exists() or " Z " in state.read_text()
    assert [p.suffix for p in (tmp_path / "cache").iterdir()] == [".lock"]


@with_keys
def test_root_that_cannot_be_entered_is_said(host):
    stub(host, "mmdebstrap", BOOTSTRAP)
    process = run(host, "true")
    assert process.returncode == 1
    assert "cannot be entered here by bwrap chroot" in one_sentence(process)


@with_keys
def test_unknown_way_in_is_refused(host):
    stub(host, "mmdebstrap", BOOTSTRAP)
    process = run(host, "true", CHIPSIM_ENTER="teleport")
    assert process.returncode == 1
    assert "teleport" in one_sentence(process)


def test_inside_it_only_runs_the_command(host):
    process = run(host, "sleep", "0", CHIPSIM_INSIDE="trixie")
    assert (process.returncode, process.stderr) == (0, "")
    process = run(host, "--suite", "sid", "sleep", "0", CHIPSIM_INSIDE="trixie")
    assert process.returncode == 1
    assert "sid" in one_sentence(process)


@pytest.mark.parametrize(
    ("version", "status"), [("0.5.2", 1), ("0.9.0", 0), ("0.11.0.post1", 0), ("0.12.0", 1)]
)
def test_probe_takes_only_a_recent_dolfinx(tmp_path, version, status):
    (tmp_path / "dolfinx").mkdir()
    (tmp_path / "dolfinx/__init__.py").touch()
    info = tmp_path / f"fenics_dolfinx-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fenics-dolfinx\nVersion: {version}\n")
    command = [sys.executable, str(CHECKOUT / "tools/pydeps.py"), "probe"]
    more = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = subprocess.run(command, env=more, capture_output=True, text=True, check=False)
    assert process.returncode == status
    assert (str(tmp_path) in process.stdout) is (status == 0)


def test_package_list_is_read_alike_by_dockerfile_and_script():
    lines = (CHECKOUT / "tools/packages-debian.txt").read_text().splitlines()
    names = [line for line in lines if not line.startswith("#")]
    assert len(names) == len(set(names))
    assert all(name and " " not in name for name in names)
    assert "tools/packages-debian.txt" in (CHECKOUT / "Dockerfile").read_text()
