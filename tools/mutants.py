"""Do the tests notice when one token of the code is another? `make mutants`, or `tools/mutants.py MODULE ...`.

Each mutant changes one token: a comparison, and/or/not, an arithmetic sign, a number, a constant, a character of a
pattern, a flag, a value returned, a statement left out. Sentences, docstrings, annotations and decorators stay. Its
tests run in a copy of the tree, forked from a process that has imported what does not change. Tests that fail or that
hang have noticed. Survivors that change nothing are named in mutants-equivalent.tsv (module, line, mutation, reason).
Of more than SAMPLE mutants of a module a seeded random choice is tried; ALL=1 tries all. PROCESSES at a time.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import hypothesis  # noqa: F401 - what every mutant's tests would import again
import msgspec  # noqa: F401
import pydantic  # noqa: F401
import pytest
import pytest_asyncio  # noqa: F401
from mutations import ROOT, Mutant, mutants_of

EQUIVALENT = Path(__file__).with_name("mutants-equivalent.tsv")
SAMPLE, SEED, PROCESSES = int(os.environ.get("SAMPLE", "150")), 8, int(os.environ.get("PROCESSES", "2"))
TIMES_AS_LONG, AT_LEAST_S = 3, 8.0  # as the tests of the unchanged module take
TESTS = {
    "drivers/replies.py": ["drivers/test_replies.py", "drivers/test_link.py"],
    "drivers/link.py": ["drivers/test_link.py"],
    "drivers/wire.py": ["drivers/test_wire.py"],
    "drivers/engine.py": ["drivers/test_engine.py"],
    "drivers/stamping.py": ["drivers/test_stamping.py"],
    "drivers/listening.py": ["drivers/test_listening.py"],
    "drivers/ieee488.py": ["drivers/keithley/test_scpi.py"],
    "drivers/keithley/scpi.py": ["drivers/keithley/test_scpi.py"],
    "drivers/keithley/words_6517.py": ["drivers/keithley/test_words_6517.py"],
    "drivers/keithley/words_numeric.py": ["drivers/keithley/test_words_numeric.py"],
    "drivers/keithley/electrometer.py": ["drivers/keithley/test_electrometer.py"],
    "drivers/ptw/unidos_words.py": ["drivers/ptw/test_unidos_words.py"],
    "drivers/ptw/unidos.py": ["drivers/ptw/test_unidos.py"],
    "drivers/files/winrems.py": ["drivers/files/test_winrems_lines.py", "drivers/files/test_winrems_forms.py"],
    "drivers/files/xsyg_columns.py": [f"drivers/files/test_xsyg_{what}.py" for what in ("records", "columns")],
    "drivers/files/xsyg.py": [f"drivers/files/test_xsyg_{what}.py" for what in ("records", "columns", "told")],
    "acquire/store/attribution.py": ["acquire/store/test_attribution.py", "acquire/store/test_attribution_channels.py"],
    "acquire/spool/journal.py": [f"acquire/spool/test_{what}.py" for what in ("journal", "damaged_entries", "pruning")],
    "acquire/spool/source.py": [
        f"acquire/noloss/test_{what}.py"
        for what in ("source_counts", "source_alone", "batches_of_a_source", "flow", "source_rules", "originals")
    ],
    "acquire/store/ingest.py": [f"acquire/store/test_{what}.py" for what in ("batches", "attribution", "taking")],
    "acquire/store/derived.py": ["acquire/store/test_derived.py", "acquire/store/test_taking.py"],
    "acquire/store/seals.py": ["acquire/store/test_verified_streams.py", "acquire/store/test_seals.py"],
    "acquire/store/sealing.py": ["acquire/store/test_sealing.py", "acquire/store/test_seals.py"],
    "acquire/store/links.py": ["acquire/store/test_chain.py", "acquire/store/test_seals.py"],
    "acquire/store/sealed_rows.py": ["acquire/store/test_sealed_rows.py"],
    "acquire/store/lost.py": ["acquire/store/test_lost_ranges.py", "acquire/store/test_taking.py"],
    "acquire/store/compare.py": ["acquire/store/test_taken_keys.py", "acquire/store/test_taking.py"],
    "acquire/store/hearing.py": ["acquire/store/test_hearing.py"],
    "acquire/store/believed.py": ["acquire/store/test_believed.py", "acquire/store/test_batches.py"],
    "acquire/store/passing.py": ["acquire/store/test_chain.py", "acquire/store/test_taking.py"],
    "acquire/store/events.py": ["acquire/store/test_told_events.py", "acquire/store/test_following_streams.py"],
    "acquire/spool/file.py": ["acquire/spool/test_journal.py", "acquire/spool/test_damaged_entries.py"],
}
# Rooms whose tests are few and quick: module, and the names of its test files.
OF_DOSES = {
    "attempts": "edges_of_rules edges_of_guards",
    "background": "backgrounds rows_by_hand edges_of_guards",
    "beam_quality": "vectors edges_of_rules not_a_number",
    "believed": "believed_ranges believed_tables",
    "brachytherapy": "edges_of_rules",
    "budget": "budgets uncertainty",
    "calibration": "detectors edges_of_guards not_a_number",
    "chamber": "printed_steps",
    "chamber_form": "printed_steps edges_of_charges edges_of_guards believed_ranges rows_by_hand bits_and_draws",
    "correction_tables": "detectors edges_of_guards not_a_number",
    "correlation": "uncertainty trends_and_sums edges_of_guards",
    "counted": "rows_by_hand what_counts believed_tables",
    "course": "edges_of_guards",
    "decision": "conformity scenarios_a_and_f uncertainty vectors",
    "diode": "printed_steps edges_of_charges what_counts bits_and_draws believed_ranges",
    "dose": "printed_steps bits_and_draws",
    "element_calibration": "element_calibration_by_hand",
    "environment": "edges_of_charges dose_guards",
    "explain": "printed_steps",
    "factor": "dose_guards edges_of_rules edges_of_charges edges_of_guards believed_tables",
    "formalism": "believed_ranges believed_tables",
    "guards": "edges_of_guards dose_guards not_a_number",
    "interpolation": "edges_of_guards vectors",
    "kq_electrons": "tables_of_k_q",
    "kq_tg51": "tables_of_k_q dose_guards",
    "kq_trs398_2000": "tables_of_k_q",
    "kq_trs398_rev1": "tables_of_k_q dose_guards",
    "leakage": "edges_of_charges",
    "limits": "limits",
    "luminescence": "edges_of_luminescence detectors vectors printed_steps",
    "midline": "printed_steps edges_of_rules believed_tables",
    "mosfet": "printed_steps edges_of_rules believed_tables believed_ranges edges_of_guards",
    "osl": "printed_steps edges_of_luminescence rows_by_hand believed_tables backgrounds edges_of_guards",
    "outliers": "rows_by_hand element_calibration",
    "polarity": "edges_of_charges",
    "propagation": "budgets uncertainty",
    "reading_rows": "rows_by_hand edges_of_guards",
    "readings": "edges_of_guards backgrounds",
    "recombination": "edges_of_charges vectors",
    "tg51": "printed_steps",
    "tld": "backgrounds what_counts bits_and_draws::test_bits_of_one_release_are_those_of_the_next",
    "trend": "trends_and_sums vectors edges_of_guards",
    "units": "tables_of_k_q",
    "volume": "edges_of_rules vectors",
}
STORED = "released_results::test_stored_inputs_give_the_stored_result"
OF_PROCEDURE = {
    "methods/chamber": "chamber_corrections",
    "methods/collected_charge": "charges_by_hand charge_collected",
    "methods/doses": f"doses_by_hand elements_planned {STORED}",
    "methods/luminescence_chain": f"tld_by_hand osl_by_hand elements_planned {STORED}",
    "methods/osl": f"osl_by_hand elements_planned {STORED}",
    "methods/midline": "doses_by_hand elements_planned",
    "methods/nominal_elements": "tld_by_hand osl_by_hand elements_planned",
    "methods/reader_checks": "tld_by_hand osl_by_hand",
    "methods/reader_needs": "elements_planned",
    "methods/tld": f"tld_by_hand elements_planned {STORED}",
    "readouts/elements": "readouts_by_hand",
    "readouts/read_together": "reader_run_rules",
    "readouts/reader_order": "reader_order",
    "results/across": "across_by_hand",
    "results/choosing": "choosing_by_hand",
    "results/held": "held_by_hand held_in_beam",
    "results/leakage_taken": "leakage_by_hand select_charges_by_hand",
    "results/point_charges": "charges_by_hand",
    "results/rest_taken": "rest_by_hand",
    "results/select_charges": "select_charges_by_hand",
    "results/select_elements": "select_elements_by_hand",
    "results/select_run": "select_run_by_hand",
    "results/select_spectrum": "choosing_by_hand",
    "results/select_thresholds": "choosing_by_hand",
    "results/select_transcribed": "select_transcribed_by_hand",
    "results/selection": "selection_by_hand",
    "results/waiting_time": "charges_by_hand",
    "session/run_of_point": "run_of_point_by_hand",
}
for _room, _tests in (("acquire/dosimetry", OF_DOSES), ("acquire/procedure", OF_PROCEDURE)):
    for _module, _names in _tests.items():
        _files = (_name.partition("::") for _name in _names.split())
        TESTS[f"{_room}/{_module}.py"] = [f"{_room}/test_{_file}.py{_mark}{_one}" for _file, _mark, _one in _files]
IMPORTED = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
FORK = multiprocessing.get_context("fork")


def copied_tree(where: Path) -> Path:
    """What tests need of the tree."""
    for name in ("acquire", "config", "drivers", "simulators", "tests"):
        shutil.copytree(ROOT / name, where / name, ignore=shutil.ignore_patterns("__pycache__"))
    (where / "tests" / "conftest.py").unlink()  # its house rules cost more time than most tests here
    shutil.copy(ROOT / "pyproject.toml", where)
    return where


def run_tests(tree: Path, module: str, compiled: bool) -> None:
    """In a process of its own: exits with 0 when all tests pass. compiled: everything is kept compiled."""
    os.chdir(tree)
    sys.path[:0] = [str(tree)]
    sys.dont_write_bytecode = not compiled
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    tests = [f"tests/{name}" for name in TESTS[module]]
    os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-W", IMPORTED, *tests]))


def noticed(tree: Path, mutant: Mutant, within_s: float) -> bool:
    """Whether a test fails or hangs in a tree that has the mutant."""
    file = tree / mutant.module
    source = file.read_bytes()
    file.write_bytes(source[: mutant.begin] + mutant.new + source[mutant.end :])
    try:
        child = FORK.Process(target=run_tests, args=(tree, mutant.module, mutant.begin == mutant.end))
        child.start()
        child.join(within_s)
        if child.exitcode is None:
            child.kill()
            child.join()
        return child.exitcode != 0
    finally:
        file.write_bytes(source)


def tried(module: str) -> tuple[str, int, list[Mutant]]:
    """(module, how many mutants it has, those chosen)."""
    found = mutants_of(module)
    if len(found) <= SAMPLE or os.environ.get("ALL"):
        return module, len(found), found
    return module, len(found), random.Random(f"{SEED} {module}").sample(found, SAMPLE)


def of_share(mutants: list[Mutant]) -> list[bool]:
    """Some mutants of one module, one after the other in a tree of their own."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = copied_tree(Path(folder))
        whole = mutants[0]._replace(begin=0, end=0, new=b"")
        began = time.monotonic()
        if noticed(tree, whole, 600.0):
            raise SystemExit(f"The tests of {whole.module} fail without any mutant.")
        for stale in (tree / whole.module).parent.glob(f"__pycache__/{Path(whole.module).stem}.*"):
            stale.unlink()
        within_s = max(AT_LEAST_S, TIMES_AS_LONG * (time.monotonic() - began))
        return [noticed(tree, each, within_s) for each in mutants]


def equivalents() -> dict[tuple[str, str, str], str]:
    """(module, line, mutation) to the reason why nothing can notice it."""
    lines = EQUIVALENT.read_text().splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {(module, line, what): why for module, line, what, why in rows}


def main(wanted: list[str]) -> None:
    """For each module how many were noticed, and under it every survivor."""
    known = equivalents()
    with ProcessPoolExecutor(PROCESSES, mp_context=FORK) as pool:
        for module, count, mutants in map(tried, wanted or TESTS):
            shares = [mutants[n::PROCESSES] for n in range(PROCESSES)]
            lived = []
            for share, results in zip(shares, pool.map(of_share, shares), strict=True):
                lived += [mutant for mutant, seen in zip(share, results, strict=True) if not seen]
            same = [m for m in lived if (m.module, m.line, m.what) in known]
            total = len(mutants) - len(same)
            killed = len(mutants) - len(lived)
            print(
                f"{module:34} {killed:4} of {total:4} noticed ({killed / total:6.1%}); {len(same)} equivalent;"
                f" {len(mutants)} of {count} tried", flush=True,
            )  # fmt: skip
            for each in lived:
                why = known.get((each.module, each.line, each.what))
                print(
                    f"  {'alive     ' if why is None else 'equivalent'}  {each.line}\t{each.what}\t{why or ''}",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:])
