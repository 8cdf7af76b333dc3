"""The capture model of a pore filter piece by piece: thresholds, transit, result, recovery."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from chipsim.capture import capture, check, comparison, recovery_curve
from chipsim.capture.entries import Carried as Body
from chipsim.capture.laplace import opening_threshold_per_tension
from chipsim.capture.plugs import Membrane, draw, plugs, variations
from chipsim.capture.pore_filter import SAMPLES
from chipsim.capture.recovery import recovery
from chipsim.capture.spot import Spot
from chipsim.capture.transit import impulse
from chipsim.cells import cell_line_from_table, line
from chipsim.design import Carried, Design, Operation
from chipsim.flow.pore_formulas import unit_resistance
from geometries import ClusterChip, DesignError
from geometries.pore_filter import PoreFilter

UM = 1e-6
MDA = line("MDA-MB-231")
#: 15 um and the tension of RT4, all alike.
RT4_LIKE = replace(
    cell_line_from_table("RT4-like", {"diameter": "15 um", "diameter_cv": 0.0, "tension": "185 pN/um"}),
    tension_cv=0.0,
)
ALIKE = PoreFilter(tolerance=0.0, spot_diameter="1 mm", placement="square")


def operation(**values):
    given = {"pressure": "1 kPa", "volume": "1 mL", "fluid": "diluted blood"} | values
    return Operation(**{k: v for k, v in given.items() if v is not None})


def entry(cells="MDA-MB-231", sizes=(1, 2, 4), state="live", concentration="10 /mL"):
    return Carried(cells=cells, sizes=sizes, state=state, concentration=concentration)


def quick(*entries, device=None, flow=None, samples=2**11, **values):
    options = {k: values.pop(k) for k in ("seed", "assumed") if k in values}
    return capture(
        device or PoreFilter(spot_diameter="2 mm"),
        flow,
        operation(**({"volume": "0.1 mL"} | values)),
        entries or (entry(),),
        samples=samples,
        range_samples=2**9,
        **options,
    )


# -- thresholds --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("shape", "width", "pascals"),
    [
        ("round", 8, 43),
        ("round", 6.5, 65),
        ("round", 5, 99),
        ("slit", 8, 0),
        ("slit", 5, 25),
        ("square", 8, 43),
    ],
)
def test_thresholds_of_the_reference(shape, width, pascals):
    curvature = {"round": 4, "square": 4, "slit": 2}[shape] / width
    found = 185.4 * opening_threshold_per_tension(15.0, curvature, width)  # pN/um over um: Pa
    assert found == pytest.approx(pascals, abs=0.6)


def test_pores_that_overlap_hold_a_little_less():
    pores = PoreFilter(tolerance=0.0).pores()
    ratio = (pores.rim_share / pores.share)[pores.group_size == 2]
    # By an independent Monte Carlo: on average 0.857, 5 to 95 %: 0.82 to 0.94.
    assert ratio.mean() == pytest.approx(0.857, abs=0.005)
    assert np.percentile(ratio, [5, 95]) == pytest.approx([0.82, 0.94], abs=0.01)
    spot = Spot.of(PoreFilter(tolerance=0.0))
    assert spot.rim.max() == 1.0 and (spot.rim < 1).mean() == pytest.approx((pores.group_size > 1).mean())
    draws = draw(0, "RT4-like", 1, 2**11)
    found = plugs(draws, Body(RT4_LIKE, 1, 0.0, "live"), spot, Membrane())
    alone = spot.rim[spot.pick(draws.pore)] == 1.0
    assert np.unique(found.threshold[alone].round(6)) == pytest.approx([43.3], abs=0.2)
    assert (
        0.6 < found.threshold[~alone].mean() / 43.3 < 0.8
    )  # the front's curvature is 14 % less, the cell's own is not


def test_a_neutrophil_and_a_cell_smaller_than_the_opening():
    assert 37 * opening_threshold_per_tension(8.4, 4 / 5, 5.0) == pytest.approx(12, abs=0.3)
    assert 37 * opening_threshold_per_tension(8.4, 4 / 8, 8.0) == pytest.approx(1, abs=0.2)
    assert opening_threshold_per_tension([7.0, 8.0], 4 / 8, 8.0).tolist() == [0.0, 0.0]


def test_live_cells_are_far_above_their_threshold():
    """Laplace's law alone keeps nothing at 1 to 10 kPa; with fixation it would keep most at 1 kPa, none at 10."""
    mine = entry(RT4_LIKE, (1,))
    fixed = mine.replace(state="fixed")
    for kilopascals, held in ((1, 1.0), (10, 0.0)):
        found = quick(mine, fixed, device=ALIKE, pressure=f"{kilopascals} kPa").entries
        assert found[0].threshold == pytest.approx(43, abs=0.5)
        assert found[0].to_dict()["retained_by_threshold_alone"] == 0.0
        assert found[1].threshold_alone == held
        assert found[1].threshold == pytest.approx(25 * found[0].threshold)


# -- transit -----------------------------------------------------------------------------------------------------------
def test_transit_of_the_reference():
    """15 um, 2.4e3 Pa s through an 8 um pore, 10 um long, at 1 kPa: about 10 min."""
    needed = impulse(15e-6, 2.4e3, unit_resistance(PoreFilter()))
    assert needed / 1000 == pytest.approx(617.7, rel=2e-3)
    assert impulse(30e-6, 2.4e3, 1.0) == pytest.approx(8 * impulse(15e-6, 1.2e3, 2.0))


def sampled(body, device=ALIKE, assumed=None, samples=2**10):
    return plugs(draw(0, body.line.name, body.n, samples), body, Spot.of(device), assumed or Membrane())


def test_impulses_of_a_cluster_add_and_fixation_multiplies():
    one, five = (sampled(Body(RT4_LIKE, n, 0.0)) for n in (1, 5))
    assert five.impulse == pytest.approx(5 * one.impulse)
    assert five.threshold == pytest.approx(one.threshold)
    fixed = sampled(Body(RT4_LIKE, 5, 0.0, "fixed"))
    assert fixed.impulse == pytest.approx(25 * five.impulse)
    assert fixed.threshold == pytest.approx(25 * five.threshold)


def test_cells_smaller_than_the_pore_pass_freely():
    red = sampled(Body(line("red blood cell"), 1, 0.0))
    assert np.mean(red.impulse > 0) < 0.01 and red.threshold.max() == 0.0  # 5.6 um, CV 0.12, in 8 um
    finer = PoreFilter(diameter="5 um", density="4e5 /cm^2", tolerance=0.0, spot_diameter="1 mm")
    in_five = sampled(Body(line("red blood cell"), 1, 0.0), finer)
    assert 0.7 < np.mean(in_five.impulse > 0) < 0.95 and (in_five.impulse[in_five.share == 0] == 0).all()


def test_bodies_go_where_the_flow_goes():
    device = PoreFilter(tolerance=(-0.2, 0.0), spot_diameter="3 mm")
    spot = Spot.of(device)
    picked = spot.scale[spot.pick(np.random.default_rng(0).random(100_000))]
    assert picked.mean() == pytest.approx(float(spot.share @ spot.scale), abs=2e-4)
    assert picked.mean() > spot.scale.mean() + 0.01  # the wider ones carry more
    assert (np.diff(spot.scale) >= 0).all() and spot.share.sum() == pytest.approx(1)


def test_a_long_slit_is_filled_in_part():
    def slit(length):
        return PoreFilter(
            pore="slit", width="6 um", length=length, placement="square", density="5e4 /cm^2", tolerance=0.0,
            spot_diameter="3 mm",
        )  # fmt: skip

    short, long, longer = (sampled(Body(RT4_LIKE, 1, 0.0), slit(x)) for x in ("10 um", "40 um", "80 um"))
    count = len(Spot.of(slit("10 um")).scale)
    assert short.share == pytest.approx(1 / count) and (long.share < 0.6 / count).all()
    # The part that the cell fills is as long in both, and resists alike but for the ends of the slit.
    assert longer.area == pytest.approx(long.area) and longer.impulse == pytest.approx(long.impulse, rel=0.1)


def test_a_solved_flow_takes_the_place_of_the_formula():
    unit = float(unit_resistance(ALIKE))
    count = len(ALIKE.pores().scale)
    solved = SimpleNamespace(
        pore_resistance=lambda mu: 1.1 * unit * mu,
        pore_resistances=lambda mu: np.full(count, 1.05 * unit * mu),
    )
    spot, formula = Spot.of(ALIKE, solved), Spot.of(ALIKE)
    assert spot.unit_resistance == pytest.approx(1.1 * formula.unit_resistance)
    assert spot.resistance == pytest.approx(1.05 * unit / count)


def test_how_many_clusters_span_two_pores():
    assert sampled(Body(MDA, 1, 0.0)).spanning.max() == 0.0
    four = sampled(Body(RT4_LIKE, 4, 0.0), PoreFilter(spot_diameter="1 mm")).spanning
    assert four == pytest.approx(1 - np.exp(-1e9 * 4 * np.pi / 4 * 15e-6**2))
    spans = [sampled(Body(RT4_LIKE, n, 0.0)).spanning.mean() for n in (2, 4, 5)]  # pitch 31.6 um
    assert spans == [0.0, 0.0, 1.0]  # discs of 21, 30 and 34 um


# -- result ------------------------------------------------------------------------------------------------------------
def test_result_has_the_documented_keys():
    found = quick(entry(), entry(sizes=(1, 3), state="fixed")).to_dict()
    json.dumps(found, allow_nan=False)
    keys = "filtration_time_s processed_volume_m3 leukocyte_load purity capture_model warnings filtration".split()
    assert set(keys) <= set(found)
    assert 50 <= len(found["filtration"]["time_s"]) <= 110
    assert {len(values) for values in found["filtration"].values()} == {len(found["filtration"]["time_s"])}
    assert found["capture_model"]["calibrated"] and found["capture_model"]["predicted"]
    for row in found["capture"]:
        for fate in ("retained", "passed", "broken", "held", "broken_upper_bound"):
            if row[fate] is not None:
                for span in (row[f"{fate}_ci95"], row[f"{fate}_range"]):
                    assert 0 <= span[0] <= row[fate] <= span[1] <= 1
        assert row["retained"] + row["passed"] + (row["broken"] or 0) == pytest.approx(1)
        assert row["retained_range"][1] >= row["held"] >= row["retained"]
        assert row["tension_is"] and row["apparent_viscosity_is"]
    assert [row["cells"] for row in found["capture"][-2:]] == ["leukocyte", "red blood cell"]


def test_a_live_cluster_may_break_and_a_fixed_one_is_not_known_to():
    found = quick(entry(sizes=(1, 3)), entry(sizes=(1, 3), state="fixed"))
    live, fixed = found.entries[:2], found.entries[2:4]
    assert live[0].broken.value == 0.0 and live[0].broken_upper_bound is None
    assert live[1].broken.value == live[1].broken_upper_bound.value > 0.9  # 50 nN against 5 nN
    assert live[1].broken.range == (
        0.0,
        live[1].broken_upper_bound.range[1],
    )  # at best none, and all are whole
    assert live[1].passed.range[1] == pytest.approx(1 - live[1].held.range[0])
    assert live[1].retained.range[1] == live[1].held.range[1]
    assert fixed[0].broken.value == 0.0 and fixed[1].broken is None
    assert fixed[1].retained.value == fixed[1].held.value
    assert any("junction strength of fixed cells" in text for text in found.warnings)
    assert any("upper bound" in text for text in found.warnings)
    assert live[1].junction_load == pytest.approx(50e-9, rel=0.4) and live[0].junction_load is None


def test_strong_junctions_and_low_pressure_leave_clusters_whole():
    strong = cell_line_from_table(
        "strong", {"diameter": "15 um", "tension": "185 pN/um", "junction_strength": "1 uN"}
    )
    assert quick(entry(strong, (3,))).entries[0].broken.value < 0.01
    low, high = (quick(entry(sizes=(2,)), pressure=p).entries[0].broken.value for p in ("20 Pa", "200 Pa"))
    assert low < 0.1 < high


def test_larger_clusters_and_fixed_cells_are_held_more():
    found = quick(
        entry(sizes=(1, 2, 4)), entry(sizes=(1,), state="fixed"), pressure="10 kPa", rinse_time="80 s"
    )
    held = [e.held.value for e in found.entries[:4]]
    assert held[0] < held[1] < held[2] and held[0] < held[3]


def test_blocked_share_at_the_end_is_that_of_the_bodies_held():
    device = PoreFilter(tolerance=0.0, spot_diameter="3 mm")
    found = quick(entry(sizes=(1,), state="fixed", concentration="1e4 /mL"), device=device, samples=SAMPLES)
    count = len(device.pores().scale)
    ml = found.history.volume[-1] * 1e6
    blood = found.entries[1:3]
    per_ml = [1e4, *(0.1 * line(e.cells).concentration * 1e-6 for e in blood)]
    held = sum(c * ml * e.held.value for c, e in zip(per_ml, found.entries, strict=True)) / count
    assert found.history.blocked[found.history.filtered] == pytest.approx(held, rel=0.03)
    assert held > 0.2


def test_a_thin_suspension_is_the_clean_recovery_curve():
    found = quick(entry(sizes=(1,)), fluid="water", samples=SAMPLES)
    time = found.history.filtration_time
    curve = recovery_curve(PoreFilter(spot_diameter="2 mm"), None, MDA, pressure=1000.0, times=[time])
    assert found.history.blocked.max() < 0.01
    assert found.entries[0].retained.value == pytest.approx(curve.retained[0], abs=0.01)


def test_same_seed_same_bytes_and_other_entries_draw_nothing_else():
    first = json.dumps(quick(seed=7).to_dict())
    assert first == json.dumps(quick(seed=7).to_dict())
    assert first != json.dumps(quick(seed=8).to_dict())
    mine = entry(RT4_LIKE, (2,), concentration="0 /mL")
    alone, beside = quick(entry(sizes=(2,))), quick(mine, entry(sizes=(2,)))
    assert alone.entries[0] == beside.entries[1]


def test_blood_is_counted_by_how_much_of_it_is_in_the_sample():
    diluted, buffer = quick(entry(sizes=(1,))), quick(entry(sizes=(1,)), fluid="buffer")
    given = quick(entry(sizes=(1,)), fluid=None, viscosity="1.1523 mPa s")
    white = diluted.entries[1].retained.value
    assert diluted.wbc_carryover_per_ml == pytest.approx(line("leukocyte").concentration * 1e-6 * white)
    assert diluted.leukocyte_load == pytest.approx(diluted.wbc_carryover_per_ml * 0.1 * 0.1)  # 0.1 mL of 1:10
    assert buffer.leukocyte_load == 0.0 and buffer.purity == 1.0
    assert given.history.blocked.max() > diluted.history.blocked.max()
    assert any("as in whole blood" in text for text in given.warnings)
    assert not any("as in whole blood" in text for text in diluted.warnings)


def test_ranges_are_those_of_the_assumptions():
    values = [
        (v.viscosity_factor, v.fixation, v.diameter_cv, v.tension_cv) for v in variations(Membrane(), True)
    ]
    assert {v[0] for v in values} == {0.5, 1.0, 2.0} and {v[1] for v in values} == {12.5, 25.0, 50.0}
    assert all(v.fixation == 25.0 for v in variations(Membrane(), False))
    slow = {"pressure": "10 kPa", "rinse_time": "80 s", "fluid": "water", "samples": SAMPLES}
    found = quick(entry(sizes=(1,)), **slow).entries[0].retained
    low = quick(entry(sizes=(1,)), assumed=Membrane(viscosity_factor=0.5), **slow).entries[0].retained
    assert found.range[0] <= low.value + 0.02 and found.range[0] < found.value < found.range[1]
    given = replace(RT4_LIKE, provenance=())
    same = sampled(Body(given, 1, 0.0), assumed=Membrane(diameter_cv=0.3))
    assert same.impulse == pytest.approx(sampled(Body(given, 1, 0.0)).impulse)  # known spreads stay


def test_red_cells_that_squeeze_are_said_to_count_twice():
    fine = ALIKE.replace(diameter="5 um")
    for membrane, fluid, said in (
        (fine, "whole blood", True),
        (ALIKE, "whole blood", False),
        (fine, "buffer", False),
    ):
        found = quick(entry(sizes=(1,)), device=membrane, fluid=fluid)
        assert any("once more" in text for text in found.warnings) == said


def test_warnings_follow_the_operation():
    dirty = quick(entry(concentration="1e6 /mL", sizes=(1,), state="fixed"))
    assert dirty.history.filtration_time is None and dirty.to_dict()["filtration_time_s"] is None
    assert any("the membrane blocks after" in text for text in dirty.warnings)
    assert any("far from the 1e+03 Pa" in text for text in quick(pressure="10 kPa").warnings)
    rising = quick(entry(state="fixed"), pressure=None, flow_rate="0.2 mL/min", volume="0.5 mL")
    assert any("the pressure rises" in text for text in rising.warnings)
    mine = entry(RT4_LIKE, (1,))
    assert any('"RT4-like" is uncalibrated' in text for text in quick(mine).warnings)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: check(ALIKE, [entry("LNCaP")]), "no sourced tension"),
        (lambda: check(ALIKE, [entry("leukocyte", (2,))]), "single cells only"),
        (lambda: quick(entry("RT4")), "no sourced diameter"),
        (lambda: quick(device=SimpleNamespace(kind="sieve")), 'device.kind = "sieve" has no capture model'),
        (lambda: quick(volume=None), "volume is missing"),
        (
            lambda: quick(pressure=None, flow_rate="10 L/h", device=ALIKE.replace(spot_diameter="0.5 mm")),
            "filter more slowly",
        ),
        (lambda: recovery(ALIKE, None, line("RT4"), pressure=1e3), "no sourced diameter"),
        (lambda: Design(PoreFilter(), operation(volume=None)), '"volume" is missing in [operation]'),
    ],
)
def test_mistakes_are_one_sentence(call, words):
    with pytest.raises(DesignError) as caught:
        call()
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_pore_filter_takes_fixed_cells_and_either_drive():
    for drive in ({"pressure": "1 kPa"}, {"pressure": None, "flow_rate": "1 mL/min"}):
        design = Design(PoreFilter(), operation(**drive), (entry(state="fixed"),))
        assert design.to_dict()["suspension"][0]["state"] == "fixed"


def test_the_model_is_chosen_by_the_kind_of_device():
    from chipsim.capture.models import MODELS
    from geometries import KINDS

    assert set(KINDS) <= set(MODELS) and ClusterChip.kind in MODELS
    found = comparison(ALIKE, None, operation())
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.shortfalls and {"8 um", "5 um"} <= {point.key for point in found.points}


# -- recovery curves ---------------------------------------------------------------------------------------------------
def test_a_recovery_curve_falls_and_its_band_is_a_factor_of_the_time():
    curve = recovery_curve(ALIKE, None, MDA, pressure=1000.0)
    kept = np.array(curve.retained)
    assert curve.times[0] == 10 and curve.times[-1] == 3600 and (np.diff(kept) <= 0).all()
    assert (np.array(curve.low) <= kept).all() and (kept <= curve.high).all()
    found = recovery(ALIKE, None, MDA, pressure=1000.0)
    time = found.time_for(0.8)
    assert found.retained(time) == pytest.approx(0.8, abs=1e-6)
    assert found.time_for(0.8, 2.0) == pytest.approx(2 * time, rel=1e-6)
    double = recovery(ALIKE, None, MDA, pressure=2000.0)
    assert double.time_for(0.8) == pytest.approx(time / 2, rel=0.01)


def test_what_a_threshold_holds_is_held_at_all_times():
    found = recovery(ALIKE, None, RT4_LIKE, pressure=40.0)
    assert found.retained(1e9) == 1.0 and found.time_for(0.8) is None
    assert recovery(ALIKE, None, RT4_LIKE, pressure=50.0).retained(1e9) < 0.01


@pytest.mark.parametrize("first", [0, 1])
def test_of_a_line_in_both_states_the_live_single_cells_are_told(first):
    pair = [entry(sizes=(1,)), entry(sizes=(1,), state="fixed")]
    found = quick(pair[first], pair[1 - first], pressure="10 kPa", volume="3 mL")
    live, fixed = (found.entries[k].retained.value for k in (first, 1 - first))
    assert live < fixed and found.single_cell_carryover == {"MDA-MB-231": live}


def test_entries_are_found_by_what_was_carried_in():
    found = quick(entry(sizes=(1, 2)), entry(sizes=(2,), state="fixed"))
    assert found.entry("MDA-MB-231") is found.entries[0] and found.entry("leukocyte").n == 1
    assert found.entry("MDA-MB-231", 2).state == "live"
    assert found.entry("MDA-MB-231", 2, "fixed") is found.entries[2]
    for wanted in (("MDA-MB-231", 3), ("MDA-MB-231", 1, "fixed"), ("nonsense", 1)):
        with pytest.raises(
            DesignError, match="were not carried in; what was: 1 of MDA-MB-231, 2 of MDA-MB-231"
        ):
            found.entry(*wanted)
