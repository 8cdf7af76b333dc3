"""Cell lines: numbers with sources, own rows, and one sentence for each mistake."""

import math
import tomllib

import numpy as np
import pytest
from scipy.special import ndtr

from chipsim.cells import cell_line_from_table, line, lines
from chipsim.cells.cell_line import STATUS
from chipsim.cells.junctions import EVIDENCE, doublet_force, wall_attached_force
from chipsim.cells.table import HERE
from geometries.quantities import DesignError


def test_every_number_has_status_and_source():
    for name in lines():
        cells = line(name)
        for field in (
            "diameter",
            "tension",
            "diameter_cv",
            "tension_cv",
            "apparent_viscosity",
            "volume",
            "junction_strength",
            "concentration",
        ):
            if getattr(cells, field) is not None:
                origin = cells.origin(field)
                assert origin is not None and origin.status in STATUS and origin.source, (name, field)
        assert cells.to_dict()["sources"]


def test_table_holds_the_numbers_of_the_sources():
    assert line("MDA-MB-231").diameter == pytest.approx(15e-6)
    assert line("neutrophil").tension == pytest.approx(37.0e-6)
    assert line("lymphocyte").tension == pytest.approx(74.7e-6)
    assert line("RT4").tension == pytest.approx(185.4e-6)
    assert line("L1210").tension == pytest.approx(235.4e-6)
    assert line("MDA-MB-231").junction_strength == pytest.approx(5e-9)
    assert line("MCF-7").origin("diameter").status == "recalled"


def test_only_one_tension_is_calibrated():
    assert [name for name in lines() if line(name).calibrated] == ["MDA-MB-231"]


def test_apparent_viscosities_are_those_of_the_published_transit():
    from chipsim.capture.transit import CALIBRATED, calibrated_viscosity

    for name in lines():
        cells = line(name)
        if cells.parts:
            assert cells.apparent_viscosity is None
            continue
        assert cells.apparent_viscosity == pytest.approx(calibrated_viscosity(cells.kind), rel=5e-4)
        calibrated = name == "MDA-MB-231" or cells.kind != "tumour"
        assert (cells.status("apparent_viscosity") == "calibrated") == calibrated
    assert {line(name).kind for name in lines()} == set(CALIBRATED)


def test_a_red_cell_is_a_sphere_of_its_volume():
    red = line("red blood cell")
    assert red.sphere_diameter == pytest.approx(5.56e-6, rel=1e-3) and red.diameter == pytest.approx(7e-6)
    assert line("MDA-MB-231").sphere_diameter == pytest.approx(15e-6)


@pytest.mark.parametrize(
    ("name", "missing"), [("LNCaP", "tension"), ("RT4", "diameter"), ("monocyte", "tension")]
)
def test_what_nobody_measured_is_refused_in_one_sentence(name, missing):
    with pytest.raises(DesignError, match=rf"no sourced {missing}.*give it in \[cells"):
        line(name).require("diameter", "tension")


def test_unknown_line_names_the_known_ones():
    with pytest.raises(DesignError, match="MDA-MB-231"):
        line("MDA MB 231")


def test_own_row():
    text = """
    [cells.mine]
    diameter = "14 um"
    diameter_cv = 0.1
    tension = "50 pN/um"
    junction_strength = "2 nN"
    apparent_viscosity = "500 Pa s"
    source = "own micropipette, 2024"
    """
    mine = cell_line_from_table("mine", tomllib.loads(text)["cells"]["mine"])
    assert (mine.diameter, mine.diameter_cv) == (pytest.approx(14e-6), 0.1)
    assert (mine.tension, mine.junction_strength) == (pytest.approx(50e-6), pytest.approx(2e-9))
    assert mine.kind == "tumour" and not mine.calibrated
    assert str(mine.origin("tension")) == "given in the design file: own micropipette, 2024"
    assert mine.status("tension_cv") == "assumed"


def test_own_row_completes_a_line_of_the_table():
    rt4 = cell_line_from_table("RT4", {"diameter": "20 um", "source": "own"})
    assert rt4.require("diameter", "tension") == pytest.approx((20e-6, 185.4e-6))
    assert rt4.status("tension") == "read"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"diameter": "14 um", "colour": "red"}, 'unknown key "colour"'),
        ({"diameter": "14 m"}, "cells.mine.diameter = 14 m is outside"),
        ({"diameter": "14 um", "tension": "3 Pa"}, "wrong unit"),
        ({"diameter": "14 um", "diameter_cv": -0.1}, "cells.mine.diameter_cv"),
        ({"tension": "30 pN/um"}, '"diameter" is missing'),
        ({"diameter": "14 um", "source": 3}, "source"),
        ("14 um", "not a table"),
    ],
)
def test_bad_own_rows_are_one_sentence(table, words):
    with pytest.raises(DesignError) as caught:
        cell_line_from_table("mine", table)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_blood_cells_cannot_be_replaced():
    with pytest.raises(DesignError, match="another name"):
        cell_line_from_table("leukocyte", {"diameter": "9 um"})


def test_leukocytes_have_the_measured_tail():
    mix = line("leukocyte")
    row = tomllib.loads((HERE / "lines.toml").read_text())["mixtures"]["leukocyte"]
    assert row["tail_diameter"] == "13.9 um"
    tail = 0.0
    for share, part in mix.parts:
        sigma = math.sqrt(math.log1p(part.diameter_cv**2))
        tail += share * ndtr(-np.log(13.9e-6 / part.diameter) / sigma)
    assert tail == pytest.approx(1e-3, rel=1e-9)
    assert sum(share for share, _ in mix.parts) == pytest.approx(1.0)
    assert mix.status("diameter_cv") == "derived"
    # The monocyte's stand-in tension is for the mixture only.
    assert dict((p.name, p) for _, p in mix.parts)["monocyte"].status("tension") == "assumed"


def test_forces_behind_the_junction_strengths():
    assert wall_attached_force(10.0, 7.5e-6) == pytest.approx(18.0e-9, rel=0.01)
    assert doublet_force(15.0, 7.5e-6) == pytest.approx(16.3e-9, rel=0.01)
    assert {e.population: e.holds for e in EVIDENCE}["E-cadherin-negative"] is False
