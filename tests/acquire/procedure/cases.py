"""The worked cases B to F as plans, inventories and calibrations; every number from scenarios.json."""

from __future__ import annotations

from worked import GIVEN, READER, Case, WorkedClient, calibration, expected, factor, k_q, limits, part, ranged

CF = {"cf_ssd": 0.5, "cf_fs": 0.5, "cf_wedge": 0.5}


def diode_point(
    case: Case, name: str, diode: str, cfs: tuple[float, float, float], skin_c: float, **more: object
) -> None:
    case.point(
        name, "diode", "6 MV", detector=diode, instrument="electrometer-1", detector_c=skin_c, port=name,
        factors={k: factor(v, u=CF[k]) for k, v in zip(CF, cfs, strict=True)},
        uncertainty=[part("reading", 0.5), part("temperature", 0.4), part("position", 1.0)], **more,
    )  # fmt: skip
    case.step(f"background-{name.lower()}", "background", "electrometer-1", point=name, duration_s=30.0)
    case.step(name.lower(), "irradiate", "electrometer-1", point=name, duration_s=20.0)


def diode(case: Case, name: str, n_cal: float, svwt: float) -> None:
    case.detector(name, "diode")
    factors = {
        "n_cal": ranged(n_cal, "cGy/nC", GIVEN["F_uncal"], "session F"),
        "svwt": factor(svwt, "%/Cel"),
        "t_cal": factor(22.0, "Cel"),
    }
    case.calibrations.append(calibration(name, "6 MV", factors, conditions={"reading": "positive"}))


def standards(case: Case, values: list[list[float]], kind: str) -> tuple[list[str], list[tuple[str, float]]]:
    names = [case.element(f"S-{i}", ecc, kind) for i, (_, ecc) in enumerate(values, start=1)]
    return names, [(name, value) for name, (value, _) in zip(names, values, strict=True)]


# --- B: HDR cervix, TLD pairs in the rectum, a MOSFET in the bladder ------------------------------------------------


def case_b(sensor_mv: float = 6412.0) -> tuple[Case, list[tuple[str, float]]]:
    case = Case("B")
    case.plan |= {
        "source": {
            "strength": factor(GIVEN["B_sk0"], "U", 2.5), "half_life": factor(GIVEN["B_half"], "d", 0.01),
            "certified_at": "2026-01-18T12:00:00+01:00", "planned_s": GIVEN["B_tplan"],
            "planned_strength_u": GIVEN["B_skplan"], "limit_percent": 1.0,
        }
    }  # fmt: skip
    case.instrument("electrometer-1", "keithley-6517b")
    case.instrument(READER, "winrems")
    names, reads = standards(case, GIVEN["B_std"], "tld")
    control = case.element("C-1", 1.0, "tld")
    case.batches = [
        {
            "reader": READER, "standards": names, "controls": [control], "standard_dose": factor(200.0, "cGy"),
            "rcf_u_percent": 1.5, "coefficient_range": [11.0, 15.0],
        }
    ]  # fmt: skip
    reads.append((control, GIVEN["B_bg"]))
    for point in ("r1", "r2", "r3"):
        pair = [case.element(f"{point}-{i}", GIVEN[f"B_{point}_e{i}"], "tld") for i in (1, 2)]
        reads += [(e, GIVEN[f"B_{point}_q{i}"]) for i, e in enumerate(pair, start=1)]
        case.point(
            point.upper(), "tld", "Ir-192", elements=pair, pair_limit_percent=5.0,
            factors={"k_f": factor(1.0, u=0.3), "k_q": factor(0.975, u=2.0)},
            linearity={
                "slope_per_gy": 0.020, "at_gy": 2.0, "low_gy": 0.5, "high_gy": 6.0, "u_percent": 1.0,
                "source": "site fit",
            },
            uncertainty=[part("reading", 1.5, per="element")],
            expected=expected(100 * GIVEN[f"B_{point}_exp"], GIVEN["B_uexp"]), limits=limits(20, 30),
        )  # fmt: skip
    case.detector("MF-3", "mosfet", threshold_mv=sensor_mv)
    sensor = {
        "cf": factor(0.970, "cGy/mV", 2.5), "limit_mv": factor(20_000, "mV"), "delay_min": factor(2.0, "min"),
        "delay_tolerance_min": factor(0.5, "min"),
    }  # fmt: skip
    case.calibrations.append(calibration("MF-3", "Ir-192", sensor))
    case.point(
        "bladder", "mosfet", "Ir-192", detector="MF-3", instrument="electrometer-1",
        factors={"cf_energy": factor(1.0, u=1.5), "cf_angle": factor(0.990, u=1.5)},
        uncertainty=[part("shift", 1.0), part("drift", 0.5)],
        expected=expected(305.0, GIVEN["B_uexp"]), limits=limits(20, 30),
    )  # fmt: skip
    case.step("place", "place", points=["R1", "R2", "R3"])
    case.step("threshold-before", "threshold", "electrometer-1", point="bladder")
    case.step("dwell", "irradiate", "electrometer-1", point="bladder")
    case.step("threshold-after", "threshold", "electrometer-1", point="bladder")
    case.step("remove", "remove", points=["R1", "R2", "R3"])
    case.step("read", "read-out", READER, points=["R1", "R2", "R3"])
    return case, reads


def client_b(connection: object) -> WorkedClient:
    client = WorkedClient(connection)
    client.threshold = {"threshold-before": GIVEN["B_v0"], "threshold-after": GIVEN["B_v1"]}
    client.wait_s = {"dwell": 120.0, "threshold-after": 120.0}
    return client


# --- C: chest wall, diodes, OSL pairs under bolus -------------------------------------------------------------------


def case_c(points: tuple[str, ...] = ("C3", "C4"), skin_c: float = 31.0) -> tuple[Case, list[tuple[str, float]]]:
    case = Case("C")
    case.instrument("electrometer-1", "keithley-6517b")
    case.instrument(READER, "xsyg")
    diode(case, "D-11", 3.097, 0.25)
    diode(case, "D-14", 3.041, 0.28)
    wedge = {"expected": expected(GIVEN["C_c2_exp"], 2.0), "limits": limits(7, 10)}
    diode_point(case, "C2", "D-14", (0.995, 1.003, 1.018), skin_c, **wedge)
    names, reads = standards(case, GIVEN["C_std"], "osl")
    control = case.element("C-1", 1.0, "osl")
    reads.append((control, GIVEN["C_bg"]))
    case.ecc |= {"u_percent": 2.0}
    case.batches = [
        {
            "reader": READER, "standards": names, "controls": [control], "standard_dose": factor(100.0, "cGy"),
            "rcf_u_percent": 1.2, "coefficient_range": [0.0030, 0.0050], "readings": 3,
            "depletion_per_reading": 0.0005, "depletion": "growing",
        }
    ]  # fmt: skip
    for point in points:
        stated = GIVEN[f"C_{point.lower()}_r"]
        pair = [case.element(f"{point}-{i}", k_s, "osl") for i, (_, k_s) in enumerate(stated, start=1)]
        reads += [(e, count) for e, (counts, _) in zip(pair, stated, strict=True) for count in counts]
        case.point(
            point, "osl", "6 MV", elements=pair, pair_limit_percent=5.0,
            factors={
                "k_f": factor(1.0, u=0.5), "k_l": factor(GIVEN[f"C_{point.lower()}_kl"], u=1.0),
                "k_q": factor(1.0, u=1.0), "k_theta": factor(1.010, u=1.0),
            },
            uncertainty=[part("reading", 0.6, per="element"), part("place", 2.0)],
            plausible={"low_gy": 0.5, "high_gy": 4.0},
            window={"low_gy": 1.8, "high_gy": 2.2, "source": "order"} if point.startswith("C3") else None,
        )  # fmt: skip
    case.place_and_read(points)
    return case, reads


# --- D: total body, four chips a level, midline of right and left ---------------------------------------------------

LEVELS = ("head", "neck", "med", "umb", "knee", "ankle")


def case_d() -> tuple[Case, list[tuple[str, float]]]:
    case = Case("D")
    case.instrument(READER, "winrems")
    names, reads = standards(case, GIVEN["D_std"], "tld")
    control = case.element("C-1", 1.0, "tld")
    reads.append((control, GIVEN["D_bg"]))
    case.batches = [
        {
            "reader": READER, "standards": names, "controls": [control], "standard_dose": factor(200.0, "cGy"),
            "rcf_u_percent": 1.5, "coefficient_range": [11.0, 15.0],
        }
    ]  # fmt: skip
    sides = []
    for level in LEVELS:
        chips = [each.split("×") for each in GIVEN[f"D_{level}_q"].split(" / ")]
        for side, pair in (("R", chips[:2]), ("L", chips[2:])):
            point = f"{level}-{side}"
            own = [case.element(f"{point}-{x}", float(ecc), "tld") for x, (_, ecc) in zip("ab", pair, strict=True)]
            reads += [(e, float(q)) for e, (q, _) in zip(own, pair, strict=True)]
            sides.append(point)
            case.point(
                point, "tld", "10 MV", elements=own, pair_limit_percent=5.0,
                factors={
                    "k_f": factor(1.0, u=0.5, shared="batch"), "k_l": factor(1.0, u=0.5, shared="batch"),
                    "k_q": factor(1.0),
                },
                uncertainty=[part("reading", 1.5, per="element")], plausible={"low_gy": 0.5, "high_gy": 4.0},
            )  # fmt: skip
        case.point(
            level, "midline", "10 MV", of=[f"{level}-R", f"{level}-L"],
            factors={"f_mid": factor(GIVEN[f"D_{level}_f"], u=1.5)}, uncertainty=[part("place", 1.0)],
            expected=expected(GIVEN[f"D_{level}_exp"], 2.0), limits=limits(10, 15),
        )  # fmt: skip
    case.place_and_read(sides)
    return case, reads


# --- E: pacemaker outside the field, the reader's own form ----------------------------------------------------------


def case_e(crossed_unit: str = "mRAD") -> tuple[Case, list[tuple[str, float]]]:
    case = Case("E")
    case.instrument(READER, "xsyg")
    case.ecc |= {"u_percent": 2.5, "form": "sensitivity"}
    reader = {"reader_factor": ranged(9.120, "{counts}/mRAD", 1.5), "background": factor(52.0, crossed_unit)}
    case.calibrations.append(calibration(READER, "6 MV", reader))
    case.batches = [{"reader": READER, "chain": "reader"}]
    reads = []
    for point in ("e1", "e2"):
        pair = [case.element(f"{point}-{i}", GIVEN[f"E_{point}_s{i}"], "osl") for i in (1, 2)]
        reads += [(e, GIVEN[f"E_{point}_c{i}"]) for i, e in enumerate(pair, start=1)]
        imaging = {"per_image": factor(0.20, "cGy", 30.0), "images": 25}
        case.point(
            point.upper(), "osl", "6 MV", elements=pair, pair_limit_percent=5.0, position="out-of-field",
            factors={"k_f": factor(1.0, u=0.5), "k_q_out": factor(GIVEN["E_kq"], u=6.0)},
            uncertainty=[part("reading", 0.8, per="element"), part("place", 4.0)],
            plausible={"low_gy": 0.01, "high_gy": 0.30},
            course={"fractions": 25, "limit_gy": 2.0, "imaging": imaging},
        )  # fmt: skip
    case.place_and_read(["E1", "E2"])
    return case, reads


# --- F: reference chamber session, polarity and recombination measured ----------------------------------------------


def case_f() -> Case:
    case = Case("F")
    case.plan = {"purpose": "detector-calibration"}
    case.instrument("electrometer-2", "ptw-unidos-tango")
    case.detector("CH-1", "chamber")
    factors = {
        "n_dw": ranged(GIVEN["F_N"], "Gy/nC", 0.55), "k_elec": factor(GIVEN["F_kelec"], u=0.10),
        "k_q": k_q(GIVEN["F_kq398"]),
    }  # fmt: skip
    parts = [part("stability", 0.20), part("monitor", 0.30), part("influence quantities", 0.30)]
    conditions = {"t0_c": 20.0, "p0_kpa": 101.325, "reading": "positive", "quality": "Co-60"}
    case.calibrations.append(calibration("CH-1", "6 MV", factors, uncertainty=parts, conditions=conditions))
    influence = {"u_percent": 0.0, "source": "measured; u in influence quantities"}
    case.point(
        "ref", "chamber", "6 MV", detector="CH-1", instrument="electrometer-2", attempt_rule="mean-of-valid",
        settle_s=300.0, polarity=influence, uncertainty=[part("set-up", 0.30)],
        recombination={"beam": "pulsed", "high_v": 300.0, "low_v": 100.0, **influence},
        plausible={"low_gy": 0.5, "high_gy": 1.0},
    )  # fmt: skip
    case.step("background", "background", "electrometer-2", point="ref", duration_s=60.0)
    for kind, volts, n in (("irradiate", 300.0, 3), ("polarity", -300.0, 4), ("recombination", 100.0, 3)):
        for i in range(1, n + 1):
            case.step(f"{kind}-{i}", kind, "electrometer-2", point="ref", duration_s=15.0, voltage_v=volts)
    return case


def client_f(connection: object) -> WorkedClient:
    client = WorkedClient(connection)
    charges = {"irradiate": GIVEN["F_M1"], "recombination": GIVEN["F_M2"]}
    charges["polarity"] = [-m for m in (GIVEN["F_bad"], *GIVEN["F_Mo"])]
    client.beam = {f"{kind}-{i}": nc for kind, ncs in charges.items() for i, nc in enumerate(ncs, start=1)}
    client.wait_s = {"polarity-1": 45.0, "polarity-2": 300.0, "recombination-1": 300.0}
    return client
