"""The search for an accuracy: the estimate, the refinements it tries, and what it refuses."""

import pytest

from chipsim.flow import array, array_result
from chipsim.flow.accuracy import (
    LADDER,
    MOST_UNKNOWNS,
    ORDER,
    SHARP_SHEAR_ORDER,
    Attempt,
    DiscretisationError,
    accuracy_of,
    companion,
    discretisation_error,
    finer_companion,
    refine_until,
    relative_error,
)
from chipsim.study.solve import solve
from geometries import ClusterChip, DesignError

CHIP = ClusterChip()


@pytest.mark.parametrize("ratio", [2.0, 1.5, 1 / 1.5])
def test_an_error_that_is_a_power_of_the_cell_size_is_found(ratio):
    def value(size):
        return 7.0 * (1 + 0.01 * size**ORDER)

    found = relative_error(value(1.0), value(ratio), ratio, ORDER)
    assert found == pytest.approx(0.01 / 1.01, rel=1e-9)


def test_sharp_corners_have_an_order_of_their_own():
    value, second = (1.0, 1.0), (1.01, 1.01)
    rounded = discretisation_error(value, second, 2.0, array_result.orders(CHIP))
    sharp = discretisation_error(value, second, 2.0, array_result.orders(CHIP.replace(fillet=0.0)))
    assert rounded.pressure_drop == sharp.pressure_drop == rounded.mean_wall_shear
    assert sharp.mean_wall_shear == pytest.approx(0.01 / (2**SHARP_SHEAR_ORDER - 1))
    assert sharp.largest == sharp.mean_wall_shear


def test_the_second_mesh_is_half_as_fine_but_never_too_coarse():
    assert companion(1.0) == 0.5 and companion(2.0) == 1.0
    assert companion(0.4) == finer_companion(0.4) == pytest.approx(0.6)


class Meshes:
    """Solves of made-up cells whose errors fall with their orders."""

    def __init__(self, dim=2, unknowns=10_000, drop=1e-4, shear=1e-4, orders=(ORDER, ORDER)):
        self.dim, self.unknowns, self.drop, self.shear = dim, unknowns, drop, shear
        self.orders, self.tried = orders, []

    def __call__(self, refine):
        self.tried.append(refine)
        drop, shear = self.orders
        error = DiscretisationError(self.drop / refine**drop, self.shear / refine**shear)
        return Attempt(self.dim, round(self.unknowns * refine**self.dim), error, self.orders)


def test_the_default_mesh_is_kept_where_it_will_do():
    meshes = Meshes()
    assert refine_until(1e-3, meshes) == 1.0 and meshes.tried == [1.0]


@pytest.mark.parametrize(("drop", "shear"), [(1e-3, 1e-5), (1e-5, 1e-3)])
def test_both_errors_are_brought_down_in_as_few_solves_as_it_takes(drop, shear):
    meshes, said = Meshes(drop=drop, shear=shear), []
    refine = refine_until(1e-4, meshes, said.append)
    # 10^(1 / 3.25) = 2.03 asks for 3; no step is more than twofold.
    assert refine == 3.0 and meshes.tried == [1.0, 2.0, 3.0]
    assert len(said) == 2 and "1.0e-03" in said[0] and "above 0.0001" in said[0]
    assert set(meshes.tried) <= set(LADDER)


def test_an_accuracy_out_of_reach_is_refused_before_it_is_tried():
    meshes = Meshes(dim=3, unknowns=200_000, drop=1e-3)
    with pytest.raises(
        DesignError, match=r"accuracy = 1e-05 cannot be reached: .* more than 4e\+06"
    ) as error:
        refine_until(1e-5, meshes)
    assert meshes.tried == [1.0] and "\n" not in str(error.value)
    assert meshes.unknowns * 100 ** (3 / ORDER) > MOST_UNKNOWNS[3]


def test_a_mesh_finer_than_there_is_is_refused():
    meshes = Meshes(unknowns=1000, shear=1e-2, orders=(ORDER, SHARP_SHEAR_ORDER))
    with pytest.raises(DesignError, match="finer than refine = 8"):
        refine_until(1e-4, meshes)
    assert meshes.tried == [1.0]


def test_an_error_that_does_not_fall_ends_too():
    def stuck(refine):
        return Attempt(2, 1000, DiscretisationError(1.2e-3, 0.0), (ORDER, ORDER))

    with pytest.raises(DesignError, match="cannot be reached"):
        refine_until(1e-3, stuck)


@pytest.mark.parametrize("text", ["0.1%", "0.1 %", 0.001])
def test_accuracies(text):
    assert accuracy_of(text) == pytest.approx(1e-3)


@pytest.mark.parametrize("text", ["0", "0%", "200%", "-1%", "nan", "good", "1 um", float("inf")])
def test_accuracies_that_are_none(text):
    with pytest.raises(DesignError, match="accuracy"):
        accuracy_of(text)


def test_an_accuracy_and_a_refinement_contradict_each_other():
    with pytest.raises(DesignError, match="give one of them"):
        solve(CHIP, "2d", accuracy="1%", refine=2.0)


def test_the_mesh_is_refined_until_the_accuracy_is_met_and_found_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPSIM_CACHE", str(tmp_path))
    monkeypatch.setattr(array, "plug_factor", lambda chip: 2.0)  # of another mesh
    plain = solve(CHIP, "2d")
    assert not plain.stored and plain.cell.refine == 1.0
    error = plain.cell.discretisation_error
    # The default mesh does, so it is taken from the store. (Reading an accuracy rounds it, by 5e-16 of this one.)
    assert solve(CHIP, "2d", accuracy=error.largest * (1 + 1e-12)).stored
    wanted, said = error.largest / 2, []
    finer = solve(CHIP, "2d", accuracy=wanted, progress=said.append)
    assert finer.cell.discretisation_error.largest <= wanted
    assert finer.cell.unknowns > plain.cell.unknowns and not finer.stored
    assert any("refining the mesh" in text for text in said)
    again = solve(CHIP, "2d", accuracy=wanted)
    assert again.stored and again.cell.row_resistance == finer.cell.row_resistance
    assert again.cell.discretisation_error == finer.cell.discretisation_error
    assert again.cell.seconds == finer.cell.seconds and again.cell.peak_memory > 0
    assert {"flow_assembly", "flow_setup", "flow_solve"} <= set(again.cell.seconds)
    # A mesh of the ladder is the same whoever asked for it.
    assert solve(CHIP, "2d", refine=finer.cell.refine).stored
