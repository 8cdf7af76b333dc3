"""Notebooks are executed by nbmake (see pyproject.toml); here: each is the same as its jupytext pair."""

from pathlib import Path

import jupytext
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_pairs_agree(path):
    ours, pair = jupytext.read(path), jupytext.read(path.with_suffix(".py"))
    assert [(c.cell_type, c.source) for c in ours.cells] == [(c.cell_type, c.source) for c in pair.cells]
    assert all(not c.get("outputs") for c in ours.cells), "commit notebooks without outputs"


def test_there_are_notebooks():
    assert NOTEBOOKS
