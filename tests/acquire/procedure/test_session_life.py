"""A session's whole life as hypothesis can think of it: people, faults and restarts in any order.

The machine plays the people, the instruments and the linac. It knows the truth that the daemon cannot: which beam was
given for which port of which fraction, and during which attempt each reading was made. Whatever is accepted or refused
on the way, that truth is never contradicted by what the store derives.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache, wraps
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cases import CF
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from people_known import everybody, staffed
from scenario_a import Instrument
from worked import GIVEN, READER, Case, WorkedClient, calibration, expected, factor, limits, part, ranged

from acquire.canonical import parse
from acquire.errors import Refused
from acquire.people import get_account
from acquire.procedure.results.result import calculate_session, results, versions
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.closing import close_session, keeps_open
from acquire.procedure.session.placement import place, remove
from acquire.procedure.session.progress import next_step
from acquire.procedure.session.rests import Rest
from acquire.procedure.session.session import (
    Session,
    SessionState,
    get_session,
    list_sessions,
    start_session,
    state_of,
    time_out,
)
from acquire.procedure.session.steps import abandon_step, begin_step, end_step, not_measured
from acquire.procedure.signing.rows import rendition_of
from acquire.procedure.signing.standing import standing
from acquire.procedure.signing.writing import amend, write
from acquire.record import build
from acquire.record.signing import sign
from acquire.store.attribution import measurement
from acquire.store.database import connect, identity
from acquire.store.ingest import ingest

ORDER = "ORD-LIFE-1"
PORTS = {"P1": ("D-1", "electrometer-1"), "P2": ("D-2", "electrometer-3")}
CHIP, CHIP_POINT = "X-1", "SKIN"
FORWARD = [SessionState.PLANNED, SessionState.READY, SessionState.MEASURING, SessionState.MEASURED,
           SessionState.CALCULATED]  # fmt: skip


def case(version: int = 1) -> Case:
    """Two diodes at two ports, each on an instrument of its own, and a chip; the second version renames the first."""
    made = Case("LIFE")
    made.plan |= {"version": version}
    made.instrument(READER, "winrems")
    for name, (diode, instrument) in PORTS.items():
        made.instrument(instrument, "keithley-6517b")
        made.detector(diode, "diode")
        made.calibrations.append(
            calibration(diode, "6 MV", {"n_cal": ranged(2.0, "cGy/nC", GIVEN["F_uncal"]),
                                        "svwt": factor(0.3, "%/Cel"), "t_cal": factor(22.0, "Cel")},
                        conditions={"reading": "positive"})
        )  # fmt: skip
        point = f"{name}-renamed" if version > 1 and name == "P1" else name
        made.point(
            point, "diode", "6 MV", detector=diode, instrument=instrument, detector_c=22.0, port=name,
            factors={k: factor(1.0, u=CF[k]) for k in CF}, expected=expected(40.0, 1.0), limits=limits(15, 20),
            uncertainty=[part("reading", 0.5), part("temperature", 0.4), part("position", 1.0)],
        )  # fmt: skip
    made.element(CHIP, 1.0, "tld")
    made.batches = [{"reader": READER}]
    made.calibrations.append(
        calibration(READER, "6 MV", {"rcf": ranged(1.0, "nC/cGy", 2.0), "background": factor(0.3, "nC", 5.0)})
    )
    made.point(CHIP_POINT, "tld", "6 MV", elements=[CHIP], factors={k: factor(1.0) for k in ("k_f", "k_l", "k_q")},
               expected=expected(40.0, 1.0), limits=limits(15, 20), uncertainty=[part("reading", 1.5, per="element")],
               pair_limit_percent=5.0)  # fmt: skip
    made.step("place", "place", points=[CHIP_POINT])
    for name, (_, instrument) in PORTS.items():
        point = f"{name}-renamed" if version > 1 and name == "P1" else name
        made.step(f"background-{name.lower()}", "background", instrument, point=point, duration_s=30.0)
        made.step(f"beam-{name.lower()}", "irradiate", instrument, point=point, duration_s=20.0)
    made.step("remove", "remove", points=[CHIP_POINT])
    made.step("read", "read-out", READER, points=[CHIP_POINT])
    return made


@cache
def ordered() -> Path:
    """A store with the order and its first plan, made once."""
    path = Path(tempfile.mkdtemp(prefix="session-life-")) / "store.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    connection = connect(path, create=True)
    staffed(connection)
    with everybody():
        case().add(connection)
    connection.close()
    return path


class Clinic(WorkedClient):
    """The instruments, and who knows which attempt each of their readings was really made for."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.truth: dict[tuple[str, int], str | None] = {}
        self.measuring: dict[str, str] = {}  # instrument: the attempt between its markers
        self.kept_back: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.hold = False

    async def command(self, instrument: str, name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if name == "end":
            self.measuring.pop(instrument, None)
        answer = await super().command(instrument, name, parameters)
        if name == "begin":
            self.measuring[instrument] = str(parameters["measurement"])
        return answer

    def put(self, instrument: str, entries: list[dict[str, Any]]) -> int:
        of = self.of(instrument)
        for k, entry in enumerate(entries, start=1):
            if entry["kind"] != "marker":
                self.truth[of.stream, of.head + k] = self.measuring.get(instrument)
        first, of.head = of.head + 1, of.head + len(entries)
        self.say(instrument, of, {"first_seq": first, "readings": entries, "head": of.head})
        return of.head

    def say(self, instrument: str, of: Instrument, what: Mapping[str, Any], *, kept: bool = True) -> None:
        """A message on its way: to the store, or held back by a broken link."""
        _, epoch = identity(self.connection)
        message = {"schema": "readings/1", "stream": of.stream, "source": self.source, "oldest": 1, "ended": None,
                   "ask": str(uuid4()), "epoch": epoch, "older": 0, **what}  # fmt: skip
        if self.hold and kept:
            self.kept_back.append((instrument, message))
            return
        self.sent.append((instrument, message))
        self.deliver(instrument, message)

    def deliver(self, instrument: str, message: Mapping[str, Any]) -> None:
        _, epoch = identity(self.connection)
        topic = f"dosimetry/v1/{self.site}/{instrument}/readings"
        body = json.dumps({**message, "epoch": epoch}).encode()
        assert ingest(self.connection, self.site, [(topic, body)]).unreadable == 0


def of_instruments(rule_of: Callable[..., None]) -> Callable[..., None]:
    """A rule in which no person does anything: a closed session's record says that it asks for an amendment, or stays
    what whoever printed it signs.
    """

    @wraps(rule_of)
    def held(self: Life, **given: Any) -> None:
        closed = [s for s in list_sessions(self.connection) if state_of(self.connection, s) in FORWARD[3:]]
        before = {session: build(self.connection, session) for session in closed}
        rule_of(self, **given)
        for session, record in before.items():
            now = build(self.connection, session)
            if now["asks_for_amendment"] == record["asks_for_amendment"]:
                event("an instrument goes on after closing")
                assert now["to_sign"] == record["to_sign"]

    return held


class Life(RuleBasedStateMachine):
    """What people and faults may do; each rule is allowed to be refused, none to make the truth a lie."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.people = ExitStack()
        self.people.enter_context(everybody())  # each rule says in whose name it acts
        shutil.copy(ordered(), self.store)
        self.connection = connect(self.store)
        self.clinic = Clinic(self.connection)
        self.loop = asyncio.new_event_loop()
        self.beams: Counter[tuple[str, int]] = Counter()  # (port, fraction): how often the linac gave it
        self.nc: Counter[tuple[str, int]] = Counter()  # and how much a diode there collects of it
        self.made: dict[tuple[str, str, int], str] = {}  # (session, point, version): digest of the result
        self.signed: dict[tuple[str, int, int], tuple[bytes, bytes]] = {}  # what was kept with each signature
        self.reached: dict[str, SessionState] = {}
        self.version = 1
        self.said: list[str] = []

    def teardown(self) -> None:
        try:
            assert verify_store(self.connection) == []
        finally:
            self.people.close()
            self.loop.close()
            self.connection.close()
            self.folder.cleanup()

    def tried(self, what: Callable[[], Any]) -> bool:
        """Whether it was done; a refusal is a plain sentence and nothing else."""
        try:
            what()
        except Refused as refused:
            self.said += refused.sentences
            return False
        return True

    def wait(self, what: Any) -> Any:
        return self.loop.run_until_complete(what)

    @property
    def session(self) -> str:
        return list_sessions(self.connection)[-1]

    def chosen(self, which: int) -> str:
        sessions = list_sessions(self.connection)
        return sessions[-1 - which % len(sessions)]

    @property
    def store(self) -> Path:
        return Path(self.folder.name) / "store.db"

    @initialize(steps=st.integers(0, 10))
    def first_session(self, steps: int) -> None:
        """A session that is somewhere in its life: most faults meet one that was begun."""
        self.case = case()
        self.begin_session(1)
        if steps:
            self.goes_well(0, steps)

    # -- people -----------------------------------------------------------------------------------------------------

    @rule(fraction=st.integers(1, 3))
    def begin_session(self, fraction: int) -> None:
        self.tried(
            lambda: start_session(
                self.connection, ORDER, "MD-1", calibrations=self.case.calibration_file, inventory=self.case.inventory,
                fraction=fraction,
            )
        )  # fmt: skip

    @rule()
    def new_plan(self) -> None:
        if self.version < 3:
            self.version += 1
            self.case = case(self.version)
            self.tried(lambda: self.case.add_plan(self.connection))

    @rule(which=st.integers(0, 2), second=st.sampled_from(["RT-1", "MD-1", "md-1 ", ""]))
    def timed_out(self, which: int, second: str) -> None:
        session = self.chosen(which)
        before = state_of(self.connection, session)
        done = self.tried(lambda: time_out(self.connection, session, "MD-1", second, identifiers_agree=True))
        if second != "RT-1" and before is SessionState.PLANNED:
            assert not done, "one person was believed to be two"

    def _step(self, session: str, any_step: int | None) -> str | None:
        plan = get_session(self.connection, session).plan
        if any_step is not None:
            return plan.step[any_step % len(plan.step)].id
        turn = next_step(self.connection, get_session(self.connection, session))
        return turn.step.id if turn else None

    @rule(
        which=st.integers(0, 1), any_step=st.one_of(st.none(), st.none(), st.integers(0, 6)),
        beam=st.sampled_from(["given", "given", "door", "half"]), ends=st.booleans(),
    )  # fmt: skip
    def measures(self, which: int, any_step: int | None, beam: str, ends: bool) -> None:
        """The step whose turn it is, or any: begun, the beam given, ended; or left in the middle of it."""
        session = self.chosen(which)
        name = self._step(session, any_step)
        if name is None:
            return
        step = get_session(self.connection, session).plan.step_named(name)
        if not self.tried(lambda: self.wait(begin_step(self.connection, self.clinic, session, name, "MD-1"))):
            return
        if step.kind == "irradiate" and beam != "door":
            self.gives(session, name, 20.0 if beam == "given" else 9.0)
        elif step.kind != "irradiate":
            self.clinic.beam.pop(name, None)
            self.wait(self.clinic.during(step))
        if beam == "door" and step.kind == "irradiate":
            self.tried(lambda: self.wait(abandon_step(
                self.connection, session, name, "MD-1", "door open", beam_given=False, client=self.clinic
            )))  # fmt: skip
        elif ends:
            self.tried(lambda: self.wait(end_step(self.connection, self.clinic, session, name, "MD-1")))

    @rule(which=st.integers(0, 1), steps=st.integers(1, 8))
    def goes_well(self, which: int, steps: int) -> None:
        """Some steps as they should be, so that whole sessions come about."""
        session = self.chosen(which)
        self.tried(lambda: time_out(self.connection, session, "MD-1", "RT-1", identifiers_agree=True))
        for _ in range(steps):
            turn = next_step(self.connection, get_session(self.connection, session))
            if turn is None:
                self.closes(which, None)
                self.calculates(which)
            elif turn.step.kind in ("place", "remove"):
                self.chip(which, turn.step.kind == "place")
            elif turn.step.kind == "read-out":
                self.reads_chip()
            else:
                self.measures(which, None, "given", ends=True)

    def gives(self, session: str, step: str, nc: float) -> None:
        """The linac's part. Who asked for a second beam of a port in a fraction has failed the patient."""
        found = get_session(self.connection, session)
        port = found.plan.port_of(found.plan.step_named(step).point or "") or ""
        self.beams[port, found.fraction] += 1
        assert self.beams[port, found.fraction] == 1, f"port {port} was given twice in fraction {found.fraction}"
        self.collects(found, step, port, nc)

    def collects(self, found: Session, step: str, port: str, nc: float) -> None:
        self.nc[port, found.fraction] += nc
        self.clinic.beam[step] = nc
        self.wait(self.clinic.during(found.plan.step_named(step)))

    @rule(which=st.integers(0, 1))
    def ends_what_runs(self, which: int) -> None:
        session = self.chosen(which)
        for each in attempts(self.connection, session):
            if each.begun and not each.ended and each.abandoned is None:
                step = each.step
                self.tried(lambda step=step: self.wait(
                    end_step(self.connection, self.clinic, session, step, "MD-1")))  # fmt: skip

    @rule(which=st.integers(0, 1), given=st.booleans())
    def abandons_what_runs(self, which: int, given: bool) -> None:
        """People say that no beam was given only where none was: that word is theirs alone."""
        session = self.chosen(which)
        found = get_session(self.connection, session)
        for each in attempts(self.connection, session):
            if each.begun and not each.ended and each.abandoned is None:
                step = found.plan.step_named(each.step)
                port = found.plan.port_of(step.point or "") or ""
                was = step.kind == "irradiate" and self.beams[port, found.fraction] > 0
                self.tried(lambda name=each.step, said=given or was: self.wait(abandon_step(
                    self.connection, session, name, "MD-1", "given up", beam_given=said,
                    client=self.clinic)))  # fmt: skip

    @rule(which=st.integers(0, 1))
    def beam_stops_halfway(self, which: int) -> None:
        """The next beam, if it is the turn of one: half of it is given, the attempt given up, and tried again."""
        session = self.chosen(which)
        turn = next_step(self.connection, get_session(self.connection, session))
        if turn is None or turn.step.kind != "irradiate":
            return
        self.measures(which, None, "half", ends=False)
        self.abandons_what_runs(which, given=True)
        self.measures(which, None, "given", ends=True)

    @rule(which=st.integers(0, 1), port=st.sampled_from(list(PORTS)), second=st.sampled_from(["RT-1", "RT-1", "MD-1"]))
    def rest_of_a_beam(self, which: int, port: str, second: str) -> None:
        """What the linac still has to give of an interrupted beam: of one that was begun, and by the word of two."""
        session = self.chosen(which)
        name = f"beam-{port.lower()}"
        rest = Rest("interlock", second)
        begun = begin_step(self.connection, self.clinic, session, name, "MD-1", rest)
        if not self.tried(lambda: self.wait(begun)):
            return
        found = get_session(self.connection, session)
        assert second == "RT-1"
        assert any(a.begun and a.beam_given is not False for a in attempts(self.connection, session, name)[:-1])
        self.beams[port, found.fraction] = 1  # at most the one that was begun: its rest is none of its own
        self.collects(found, name, port, 11.0)
        self.tried(lambda: self.wait(end_step(self.connection, self.clinic, session, name, "MD-1")))

    @rule(which=st.integers(0, 1), any_step=st.one_of(st.none(), st.integers(0, 6)))
    def leaves_out(self, which: int, any_step: int | None) -> None:
        session = self.chosen(which)
        if name := self._step(session, any_step):
            self.tried(lambda: not_measured(self.connection, session, name, "MD-1", "no time"))

    @rule(which=st.integers(0, 1), out=st.booleans())
    def chip(self, which: int, out: bool) -> None:
        session = get_session(self.connection, self.chosen(which))
        if out:
            self.tried(lambda: place(self.connection, session, CHIP_POINT, CHIP, "MD-1"))
        else:
            self.tried(lambda: remove(self.connection, session, CHIP, "MD-1"))

    @rule()
    @of_instruments
    def reads_chip(self) -> None:
        self.clinic.read_elements([(CHIP, 40.3)])

    @rule(which=st.integers(0, 1), over=st.sampled_from([None, None, "the patient had to leave"]))
    def closes(self, which: int, over: str | None) -> None:
        session = self.chosen(which)
        missing = keeps_open(self.connection, get_session(self.connection, session))
        done = self.tried(lambda: close_session(self.connection, session, "MD-1", over=over))
        assert not (done and missing and over is None), f"closed although {missing}"

    @rule(which=st.integers(0, 1))
    def calculates(self, which: int) -> None:
        session = self.chosen(which)
        self.tried(lambda: calculate_session(self.connection, session, "MP-1"))

    # -- faults -----------------------------------------------------------------------------------------------------

    @rule(instrument=st.sampled_from(["electrometer-1", "electrometer-3"]))
    @of_instruments
    def polls(self, instrument: str) -> None:
        """Readings come all the time, in a measurement or not."""
        self.clinic.idle(instrument)

    @rule()
    def link_breaks(self) -> None:
        self.clinic.hold = True

    @rule(backwards=st.booleans(), twice=st.booleans())
    @of_instruments
    def link_heals(self, backwards: bool, twice: bool) -> None:
        """What waited comes late, perhaps in another order, perhaps twice."""
        self.clinic.hold = False
        late, self.clinic.kept_back = self.clinic.kept_back, []
        for instrument, message in reversed(late) if backwards else late:
            for _ in range(1 + twice):
                self.clinic.deliver(instrument, message)
        self.clinic.sent += late

    @precondition(lambda self: self.clinic.sent)
    @rule(which=st.integers(0, 50))
    @of_instruments
    def said_again(self, which: int) -> None:
        instrument, message = self.clinic.sent[-1 - which % len(self.clinic.sent)]
        self.clinic.deliver(instrument, message)

    @rule(instrument=st.sampled_from(["electrometer-1", "electrometer-3"]), ends=st.booleans())
    @of_instruments
    def host_starts_anew(self, instrument: str, ends: bool) -> None:
        """A new stream; whatever was measured in the old one goes on in nobody's name."""
        of = self.clinic.of(instrument)
        if ends:
            self.clinic.say(instrument, of, {"first_seq": of.head + 1, "readings": [], "head": of.head,
                                             "ended": "link-lost"})  # fmt: skip
        self.clinic.instruments[instrument] = Instrument(instrument)
        self.clinic.measuring.pop(instrument, None)

    @rule(instrument=st.sampled_from(["electrometer-1", "electrometer-3"]))
    @of_instruments
    def entries_are_lost(self, instrument: str) -> None:
        """A host's spool lost what it had last: it says so, and goes on after it."""
        of = self.clinic.of(instrument)
        of.head += 3
        self.clinic.say(instrument, of, {"first_seq": of.head + 1, "readings": [], "head": of.head,
                                         "oldest": of.head + 1})  # fmt: skip

    @rule()
    def store_starts_anew(self) -> None:
        self.connection.close()
        self.connection = connect(self.store)
        self.clinic.connection = self.connection

    # -- signatures -------------------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 1), who=st.sampled_from(["MP-1", "MP-2", "RO-1", "RO-2", "MD-1"]), looked=st.booleans())
    def writes_and_signs(self, which: int, who: str, looked: bool) -> None:
        """Somebody writes what is theirs and signs the record, that they have looked at or have not."""
        session = self.chosen(which)
        before = str(build(self.connection, session)["to_sign"])
        if who.startswith("MP"):
            self.tried(lambda: write(self.connection, session, "review", f"as {who} sees it", who))
        if who.startswith("RO"):
            self.tried(lambda: write(self.connection, session, "interpretation", f"as {who} reads it", who))
            self.tried(lambda: write(self.connection, session, "decision", "no change", who, "unchanged"))
        now = str(build(self.connection, session)["to_sign"])
        seen = now if looked else before
        done = self.tried(lambda: sign(self.connection, session, get_account(self.connection, who), seen))
        if done:
            assert seen == now, "a record was signed that nobody had seen"
            assert who != "MD-1"
            event(f"signed by {who}")

    @rule(which=st.integers(0, 1))
    def signs_it_all(self, which: int) -> None:
        """As it should be, so that signed versions come about."""
        self.goes_well(which, 10)
        self.writes_and_signs(which, "MP-1", looked=True)
        self.writes_and_signs(which, "RO-1", looked=True)

    @rule(which=st.integers(0, 1))
    def amends(self, which: int) -> None:
        self.tried(lambda: amend(self.connection, self.chosen(which), "looked at again", "MP-1"))

    @invariant()
    def what_is_signed_never_changes(self) -> None:
        for row in self.connection.execute(
            "SELECT r.session, r.version, r.n, j.body, h.body FROM rendition r JOIN document j ON j.sha256 = r.json"
            " JOIN document h ON h.sha256 = r.html"
        ):
            session, version, n, *kept = row
            assert self.signed.setdefault((session, version, n), (kept[0], kept[1])) == (kept[0], kept[1])
        assert len(self.signed) == self.connection.execute("SELECT count(*) FROM signature").fetchone()[0]

    @invariant()
    def what_counts_as_signed_is_signed_as_it_stands(self) -> None:
        for session in list_sessions(self.connection):
            now = standing(self.connection, get_session(self.connection, session))
            if not now.is_signed:
                continue
            event("a version is signed")
            assert {each.meaning for each in now.signatures} == {"review", "interpretation"}
            assert [each.account for each in now.signatures][-1] == "RO-1"
            kept = rendition_of(self.connection, session, now.version)
            assert kept is not None
            shown = {p["id"]: p["result"] and p["result"]["version"] for p in parse(kept[0])["points"]}
            newest = {r.point: r.version for r in results(self.connection, session)}
            assert {point: version for point, version in shown.items() if version} == newest

    # -- what is true for ever --------------------------------------------------------------------------------------

    @invariant()
    def no_reading_is_in_another_measurement_than_its_own(self) -> None:
        for session in list_sessions(self.connection):
            for each in attempts(self.connection, session):
                for reading in measurement(self.connection, each.measurement).readings:
                    assert self.clinic.truth[reading.stream, reading.seq] == each.measurement

    @invariant()
    def what_was_calculated_stays(self) -> None:
        for session in list_sessions(self.connection):
            for point in get_session(self.connection, session).plan.point:
                for each in versions(self.connection, session, point.id):
                    key = (session, point.id, each.version)
                    assert self.made.setdefault(key, each.output_sha256) == each.output_sha256

    @invariant()
    def a_dose_is_of_its_own_steps_and_beam(self) -> None:
        for session in list_sessions(self.connection):
            found = get_session(self.connection, session)
            for result in results(self.connection, session):
                if result.output.dose_gy is None or result.point == CHIP_POINT:
                    continue
                event("a dose of a diode")
                own = {a.measurement for a in attempts(self.connection, session)
                       if found.plan.step_named(a.step).point == result.point}  # fmt: skip
                used = {self.clinic.truth[r.stream, r.seq] for refs in result.selection.readings.values()
                        for r in refs}  # fmt: skip
                assert used <= own
                beam = (found.plan.port_of(result.point) or "", found.fraction)
                assert self.beams[beam] == 1
                assert result.output.dose_gy == pytest.approx(0.02 * self.nc[beam]), "a dose that was not given"

    @invariant()
    def a_refusal_is_a_sentence(self) -> None:
        assert [s for s in self.said if not s.strip().endswith((".", "?"))] == []

    @invariant()
    def a_session_goes_one_way(self) -> None:
        for session in list_sessions(self.connection):
            now = state_of(self.connection, session)
            last = self.reached.setdefault(session, now)
            if now is not SessionState.CANCELLED:
                assert FORWARD.index(now) >= FORWARD.index(last)
            self.reached[session] = now
            event(f"reached {now}")


Life.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLife = pytest.mark.slow(Life.TestCase)
