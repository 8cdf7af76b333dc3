"""Notebooks are executed by nbmake (see pyproject.toml); here: each is the same as its jupytext pair and ends in a check."""

import ast
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import jupytext
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


@each
def test_pairs_agree(path):
    ours, pair = jupytext.read(path), jupytext.read(path.with_suffix(".py"))
    assert [(c.cell_type, c.source) for c in ours.cells] == [(c.cell_type, c.source) for c in pair.cells]
    assert all(not c.get("outputs") for c in ours.cells), "commit notebooks without outputs"
    # By these JupyterLab keeps the two in step.
    for one in (ours, pair):
        assert one.metadata["jupytext"]["formats"] == "ipynb,py:percent"


@each
def test_each_ends_in_a_number_that_is_told_and_checked(path):
    last = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"][-1]
    asserted = [node.test for node in ast.walk(ast.parse(last)) if isinstance(node, ast.Assert)]
    assert any(isinstance(part, ast.Compare) for test in asserted for part in ast.walk(test)), last
    assert "print(" in last


# Whatever notebooks there are: they count from 01.
def test_they_are_numbered_without_holes_and_have_pairs():
    assert NOTEBOOKS
    assert [path.stem[:3] for path in NOTEBOOKS] == [f"{n:02d}_" for n in range(1, len(NOTEBOOKS) + 1)]
    assert sorted(path.stem for path in FOLDER.glob("*.py")) == [path.stem for path in NOTEBOOKS]


def test_readme_leads_to_each():
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in NOTEBOOKS if f"(notebooks/{path.name})" not in readme] == []


def asked(url, data=None, method=None):
    """What the server answers, within a minute of its start."""
    headers = {"Authorization": "token secret", "Content-Type": "application/json"}
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, body, headers, method=method)
    until = time.monotonic() + 60
    while True:
        try:
            return urllib.request.urlopen(request, timeout=60).read()
        except urllib.error.URLError as wrong:
            if isinstance(wrong, urllib.error.HTTPError):
                raise
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def test_make_lab_serves_them_in_pairs(tmp_path):
    """What is saved in JupyterLab as a notebook is saved as its script too."""
    pytest.importorskip("jupyterlab")
    for name in ("Makefile", "tools", "notebooks"):
        source = FOLDER.parent / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--port {port} --ServerApp.port_retries=0 --IdentityProvider.token=secret"
    log = tmp_path / "log"
    with log.open("w") as out:
        lab = subprocess.Popen(
            ["make", "lab", f"LAB={options}"], cwd=tmp_path, stdout=out, stderr=out, start_new_session=True
        )
    here = f"http://127.0.0.1:{port}"
    try:
        assert b"JupyterLab" in asked(f"{here}/lab")
        name = NOTEBOOKS[0].name
        notebook = json.loads(asked(f"{here}/api/contents/{name}"))
        assert notebook["type"] == "notebook"
        notebook["content"]["cells"][0]["source"] = "# Another title"
        asked(f"{here}/api/contents/{name}", {**notebook, "mimetype": None}, "PUT")
        assert "# # Another title" in (tmp_path / "notebooks" / name).with_suffix(".py").read_text()
        asked(f"{here}/api/shutdown", {}, "POST")
        lab.wait(60)
    finally:
        if lab.poll() is None:
            os.killpg(lab.pid, signal.SIGKILL)
