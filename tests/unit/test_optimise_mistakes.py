"""What is wrong with an optimisation is one sentence, and nothing is lost."""

import socket
import sqlite3
from dataclasses import replace

import optuna
import pytest
import sqlalchemy.orm

from chipsim.study.optimisation import load_optimisation
from chipsim.study.optimise import carry_out
from geometries import DesignError
from optimisations import STUDY, by_a_formula, plan, trials_in

quick = pytest.fixture(by_a_formula)


def test_nothing_feasible(tmp_path, quick):
    p = plan(tmp_path, "at_most = 0.3", "at_most = -1")
    found = carry_out(p, tmp_path / "out")
    assert not found["feasible"].any() and not found["front"].any()
    assert not (tmp_path / "out" / "front").exists()


def test_a_result_that_is_nowhere_is_told_before_all_is_computed(tmp_path, quick):
    p = plan(tmp_path, "capture[n=2].retained", "capture[n=7].retained")
    with pytest.raises(DesignError, match="no entry has n=7"):
        carry_out(p, tmp_path / "out")
    assert len(quick) <= 6


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        (
            'sampler = "nsga2"',
            'sampler = "newton"',
            'sampler = "newton" is unknown; known are nsga2, tpe, random',
        ),
        (', goal = "maximise" }', " }", "the objective pairs has no goal"),
        ('goal = "maximise"', 'goal = "most"', 'goal = "most" is unknown'),
        ('result = "capture[n=2].retained", ', "", "the objective pairs names no result"),
        ("capture[n=2].retained", "capture[n=2", "cannot be read"),
        (", at_most = 0.3", "", "the constraint single_cells has no limit"),
        ("at_most = 0.3", "at_most = 0.3, at_least = 0.5", "at_least = 0.5 is above at_most = 0.3"),
        ("at_most = 0.3", "below = 0.3", 'unknown key "below" in the constraint single_cells'),
        ("0.5 nN", "0.5 Pa", "has the wrong unit"),
        ('"0.5 nN"', '"0.5"', "has no unit"),
        ("single_cells =", "pairs =", "both an objective and a constraint"),
        ("single_cells =", "front =", '"front" cannot name a constraint'),
        ("trials = 30", "trials = 0", "trials = 0 must be a whole number of at least 1"),
        ("batch = 6", "batch = 1", "batch = 1 must be a whole number of at least 2"),
        ("batch = 6", "batches = 6", 'unknown key "batches" in [optimise]'),
        ("[constraints]", "[limits]", 'unknown key "limits" in the study'),
        ('from = "9 um", to = "20 um"', 'from = "20 um", to = "9 um"', "write the smaller one first"),
        ("device.gap", "device.gep", "there is no parameter device.gep"),
        ("[optimise]", "[results]\npairs = 'flow.pressure_pa'\n[optimise]", "[results] is for sweeps"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, old, new, sentence):
    with pytest.raises(DesignError, match="^[^\n]*$") as error:
        plan(tmp_path, old, new)
    assert sentence in str(error.value)


def test_no_objectives(tmp_path):
    path = tmp_path / "chip.toml"
    path.write_text(STUDY.split("[objectives]")[0])
    with pytest.raises(DesignError, match="there is no objective"):
        load_optimisation(path)


def test_a_folder_of_another_study(tmp_path, quick):
    p = plan(tmp_path, trials=6)
    carry_out(p, tmp_path / "out")
    before = trials_in(tmp_path / "out" / "study.db")
    with pytest.raises(DesignError, match='is the folder of the study "chip"'):
        carry_out(replace(p, study=replace(p.study, name="other")), tmp_path / "out")
    for changes, what in (
        ({"objectives": p.objectives[:1]}, "objectives"),
        ({"constraints": p.constraints[:1]}, "constraints"),
        ({"seed": 5}, "sampler"),
        ({"study": replace(p.study, parameters=p.study.parameters[:2])}, "parameters"),
    ):
        with pytest.raises(DesignError, match=f"is another one: it has other {what}; take another folder"):
            carry_out(replace(p, **changes), tmp_path / "out")
    assert trials_in(tmp_path / "out" / "study.db") == before


def test_a_study_that_is_not_ours(tmp_path, quick):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    theirs = optuna.create_study(storage=url, study_name="chip", directions=["maximize", "minimize"])
    theirs.tell(theirs.ask(), [1.0, 2.0])
    with pytest.raises(DesignError, match="is not one of chipsim's"):
        carry_out(plan(tmp_path), tmp_path / "out", storage=url)


@pytest.mark.parametrize("how", ["cut", "foreign"])
def test_a_database_that_is_not_whole(tmp_path, quick, how):
    p = plan(tmp_path, trials=12)
    whole = carry_out(p, tmp_path / "out")
    path = tmp_path / "out" / "study.db"
    path.write_bytes(
        path.read_bytes()[: path.stat().st_size // 2] if how == "cut" else b"no database\n" * 999
    )
    with pytest.raises(DesignError, match="^[^\n]*is not a whole database[^\n]*delete it[^\n]*$"):
        carry_out(p, tmp_path / "out")
    path.unlink()
    assert carry_out(p, tmp_path / "out").identical(whole)


@pytest.mark.parametrize(
    "url, sentence",
    [
        ("postgresql://me:secret@127.0.0.1:9/chips", "does not answer"),
        ("nothing", "it is no URL"),
        ("papyrus://here/chips", 'there is no kind of database "papyrus"'),
        ("sqlite:////nowhere/at/all.db", "unable to open database file"),
        ("journal:///nowhere/at/all.log", "No such file or directory"),
    ],
)
def test_storages_that_do_not_work(tmp_path, quick, url, sentence):
    with pytest.raises(DesignError, match="^[^\n]*$") as error:
        carry_out(plan(tmp_path), tmp_path / "out", storage=url)
    assert sentence in str(error.value) and "secret" not in str(error.value)


def test_a_driver_that_is_missing(tmp_path, quick):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"mysql+pymysql://me:secret@127.0.0.1:{server.getsockname()[1]}/chips"
        with pytest.raises(DesignError, match="its driver is missing .*pymysql") as error:
            carry_out(plan(tmp_path), tmp_path / "out", storage=url)
    assert "secret" not in str(error.value)


def test_a_full_disk(tmp_path, quick, monkeypatch):
    commit, count = sqlalchemy.orm.Session.commit, []

    def full(session):
        count.append(1)
        if len(count) > 100:
            raise sqlalchemy.exc.OperationalError(
                "", {}, sqlite3.OperationalError("database or disk is full")
            )
        commit(session)

    monkeypatch.setattr(sqlalchemy.orm.Session, "commit", full)
    with pytest.raises(DesignError, match="database or disk is full; the points computed are kept"):
        carry_out(plan(tmp_path), tmp_path / "out")
    monkeypatch.setattr(sqlalchemy.orm.Session, "commit", commit)
    assert carry_out(plan(tmp_path), tmp_path / "out").identical(
        carry_out(plan(tmp_path), tmp_path / "whole")
    )
