"""The parsers that are given damaged inputs, each with the errors it declares; any other that leaves it is a find."""

from __future__ import annotations

import io
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

from acquire import config, tomlfile
from acquire.bus.client import Received
from acquire.bus.homeassistant import _measured, components_of
from acquire.bus.messages import Answer, SessionEvent, readings_of
from acquire.bus.names import Topics
from acquire.bus.presence import Watch
from acquire.canonical import canonical
from acquire.cli import importing
from acquire.dosimetry import DosimetryError
from acquire.errors import FileProblem, Refused
from acquire.instruments import requests
from acquire.instruments.entries import reading_body
from acquire.instruments.marks import Begin, End
from acquire.orders import Site, hl7_answer, hl7_message, hl7_order, hl7_patient
from acquire.orders.problems import NotAnOrder
from acquire.procedure.documents import order
from acquire.procedure.documents.calibrations import Calibrations
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.spectrum_plan import SpectrumPlan
from acquire.procedure.methods import spectrum
from acquire.procedure.records.measured import SpectrumFile
from acquire.procedure.records.needs import Needs
from acquire.procedure.records.record import of_plain
from acquire.spool import answers
from acquire.spool.source import Source
from acquire.store.database import connect
from acquire.store.ingest import ingest
from acquire.terminal.messages import body_of, readable
from drivers import Declined, Garbled, Misuse
from drivers.files import Format, options_of, parse_file, stream_file
from drivers.files.column_map import COLUMN_MAP
from drivers.files.daybreak import DAYBREAK
from drivers.files.daybreak_dat import DAYBREAK_DAT
from drivers.files.helios import HELIOS
from drivers.files.keys import keyed
from drivers.files.panasonic_dat import PANASONIC_DAT
from drivers.files.psl import PSL
from drivers.files.records import as_unparsed
from drivers.files.research_glow import RESEARCH_GLOW
from drivers.files.risoe_bin import RISOE_BIN
from drivers.files.tl_dos import TL_DOS
from drivers.files.winrems import WINREMS
from drivers.files.xlum import XLUM
from drivers.files.xsyg import XSYG
from drivers.ieee488 import parse_error, parse_event_status
from drivers.keithley import ddc_words, scpi, trace_words
from drivers.keithley.words_6517 import parse_reading, require_elements
from drivers.keithley.words_numeric import PICOAMMETER, SOURCE_METER, parse_numbers
from drivers.panasonic import PANASONIC_UD_716
from drivers.profile import ProfileProblem, load_profile
from drivers.profile.grammar import Grammar, without_check
from drivers.ptw import unidos_words
from drivers.reading import Sample, at_host
from drivers.registry import model
from drivers.replies import Block, Line
from drivers.risoe import counts as risoe_counts
from drivers.risoe import words as risoe_words
from fuzz import mutate, ptw, seeds
from fuzz.mutate import Mutation
from simulators import read_recording

NOW = datetime(2026, 11, 28, tzinfo=UTC)
TOPICS = Topics("clinic")
RUN = UUID("f3a4b7a8-52a5-4a5e-9d52-0a3c1f7d9e21")
SLOW_S = 3.0
OPTIONS = {
    "column-map": {
        "element": "Serial", "value": "PMT", "unit": "nC", "also": "dark=DRK 1", "clock": "Time",
        "clock_format": "%Y-%m-%d",
    },
}  # fmt: skip
OURS = (
    COLUMN_MAP, DAYBREAK, DAYBREAK_DAT, HELIOS, PANASONIC_DAT, PSL, RESEARCH_GLOW, RISOE_BIN, TL_DOS, WINREMS, XLUM,
    XSYG,
)  # fmt: skip
FILES = {each.name: each for each in OURS}

Parse = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Target:
    """A parser: what it is given undamaged, how that is damaged, and what it may raise."""

    name: str
    parse: Parse
    seeds: Sequence[bytes]
    mutations: Sequence[Mutation]
    declared: tuple[type[Exception], ...] = ()


# --- files of readers ---------------------------------------------------------------------------------------------


def _of_format(fmt: Format) -> Parse:
    options = options_of(fmt, OPTIONS.get(fmt.name, {}))

    def parse(data: bytes) -> None:
        fmt.detect(data)
        found = fmt.parse("x.asc", data, options)
        for each in found.rejected:
            assert each.reason.endswith(".")
            _stored(as_unparsed("x.asc", each))
        for each in found.samples:
            _stored(each)
        list(keyed(found, found.rejected))
        whole = parse_file("x.asc", data, options, fmt) if fmt.detect(data) else found
        if fmt.stream is not None and fmt.detect(data):
            given = sum(isinstance(each, Sample) for each in stream_file("x.asc", io.BytesIO(data), options, fmt))
            assert given == len(whole.samples), "a stream gives other readouts than the whole"
        failed = [each.reason for each in whole.rejected if f"the format {fmt.name} failed (" in each.reason]
        assert not failed, failed[0]
        unseen = sum("which nobody sees" in each.reason for each in whole.rejected)
        assert len(whole.samples) + unseen == len(found.samples), "a sample of a format of ours has a flaw"

    return parse


def _stored(sample: Sample) -> None:
    """What a folder makes of a sample can be written down, and read by the contract's models."""
    body = reading_body(at_host(sample, sample.raw, "2026-11-28T00:00:00.000000Z", 1.0))
    TypeAdapter(Any).validate_json(body)


def _import(folder: Path) -> Parse:
    file = folder / "input.asc"

    def parse(data: bytes) -> None:
        file.write_bytes(data)
        said = io.StringIO()
        try:
            with redirect_stdout(said), redirect_stderr(said):
                importing.import_files([file], as_json=True)
        finally:
            said.getvalue().encode()

    return parse


# --- documents ----------------------------------------------------------------------------------------------------


def _order(data: bytes) -> None:
    found = order.read_order(data, "order.json", NOW)
    canonical({**asdict(found), "authored_on": found.authored_on.isoformat()})


def _hl7(data: bytes) -> None:
    """A message as the listener reads it: an order with its patient, or merges; and the answer to whatever came."""
    header = hl7_message.header_of(data)
    assert hl7_answer.answer(header, "AE", "no").decode().startswith("MSH|")
    for body in hl7_message.messages_of_file(data):
        message = hl7_message.message_of(body)
        if message.kind[0] == "ADT":
            for each in hl7_patient.merges_of(message):
                each.kept.body()
        else:
            for wish in hl7_order.wishes(message, Site()):
                assert wish.request is None or (wish.request.order.body() and wish.request.identity.body())


def _document(model: type[tomlfile.Written]) -> Parse:
    def parse(data: bytes) -> None:
        tomlfile.read(data, "x.toml", model).model_dump_json()

    return parse


def _configuration(folder: Path) -> Parse:
    file = folder / "service.toml"

    def parse(data: bytes) -> None:
        file.write_bytes(data)
        config.load(file)

    return parse


def _spectrum(plan: SpectrumPlan) -> Parse:
    said = dict.fromkeys(("expected", "limits", "plausible", "course"))
    said |= {"surface": "entrance", "position": "in-field", "protocol": "trs398", "fff": False, "components": []}
    needs = of_plain(said | {"spectrum": plan.model_dump()}, Needs)

    def parse(data: bytes) -> None:
        spectrum.report(needs, SpectrumFile(measured=spectrum.read(plan, data)), [])

    return parse


ON_SCALE: dict[str, Any] = {"cut_kev_um": 0.2, "y0_kev_um": 125.0, "diameter_um": 2.0}
SPE = SpectrumPlan(file="spe", marker=3.0, y_edge_kev_um=136.0, edge_source="proton edge", **ON_SCALE)
COLUMNS = SpectrumPlan(file="log-columns", live_s=590.0, real_s=600.0, **ON_SCALE)


# --- the bus ------------------------------------------------------------------------------------------------------


def _ingest_batch(connection: sqlite3.Connection) -> Parse:
    """A batch of streams that the store knows already."""
    for payload in seeds.first_messages():
        assert ingest(connection, "clinic", [(TOPICS.readings("electrometer-1"), payload)]).answers
    done = ingest(connection, "clinic", [(TOPICS.batch(None), payload) for payload in seeds.batches()])
    assert (done.unreadable, bool(done.batches)) == (0, True)

    def parse(data: bytes) -> None:
        ingest(connection, "clinic", [(TOPICS.batch(None), data)])

    return parse


def _ingest(connection: sqlite3.Connection) -> Parse:
    def parse(data: bytes) -> None:
        ingest(connection, "clinic", [(TOPICS.readings("electrometer-1"), data)])

    return parse


def _batch_committed(data: bytes) -> None:
    source = Source("6ad7a1bc-45a7-4d1e-8f5f-ecb9a3b43a6b", None, None, ())
    for each in answers.answers_to_batch(data):
        source.answer(*each[:-1], 0.0, batches=each.batches)


def _committed(data: bytes) -> None:
    said = answers.answer(data)
    source = Source("6ad7a1bc-45a7-4d1e-8f5f-ecb9a3b43a6b", None, None, ())
    source.answer(*said[:-1], 0.0, batches=said.batches)


def _command(data: bytes) -> None:
    message = Received(TOPICS.command("electrometer-1", "range"), data, retained=False)
    name, command = requests.read(message, TOPICS.command("electrometer-1", ""))
    requests.route(message, command, "clinic")
    requests.out_of_time(command, RUN, name, NOW)
    requests.content_of(command, name)
    canonical({"by": command.by, "parameters": command.parameters})
    for kind in (Begin, End):
        try:
            kind.from_request(command.parameters)
        except ValidationError as error:
            error.errors(include_url=False, include_context=False)


def _state(data: bytes) -> None:
    _seen(data)
    watch = Watch()
    for retained in (False, True):
        watch.hear(Received(TOPICS.state("electrometer-1"), data, retained=retained))
    watch.lapsed()


def _seen(data: bytes) -> None:
    """What `acquire tail` makes of it."""
    body = body_of(data)
    json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    assert readable("dosimetry/v1/clinic/e/readings", body, datetime.now(UTC))


def _of_model(model: type[BaseModel]) -> Parse:
    def parse(data: bytes) -> None:
        _seen(data)
        model.model_validate_json(data).model_dump_json()

    return parse


def _home_assistant(data: bytes) -> None:
    components_of("clinic", "electrometer-1", data)
    _measured(readings_of(data))


# --- instruments --------------------------------------------------------------------------------------------------


def _6517(line: bytes) -> None:
    require_elements(parse_reading(line), line)


def _6517_ambient(line: bytes) -> None:
    for _, value in parse_reading(line, ("temperature", "humidity")).ambient:
        assert value is None or -25 <= value <= 150


def _buffer(line: bytes) -> None:
    texts = trace_words.split(line, 3, 2)
    stored = [parse_numbers(each, ["READ", "TIME", "STAT"], "charge", PICOAMMETER) for each in texts]
    trace_words.check_stamps(stored, line)


def _numeric(line: bytes) -> None:
    elements = "READ,UNIT,TIME,STAT" if b"A," in line else "READ,TIME,STAT"
    try:
        parse_numbers(line, elements.split(","), "current", PICOAMMETER)
    except Garbled:
        parse_numbers(line, ["VOLT", "CURR", "RES", "TIME", "STAT"], "current", SOURCE_METER)


def _each(*parsers: Parse) -> Parse:
    def parse(data: bytes) -> None:
        for each in parsers:
            try:
                each(data)
            except (Garbled, Declined) as error:
                str(error).encode("utf-8", "backslashreplace")

    return parse


_DDC = _each(ddc_words.parse_reading, ddc_words.parse_status, ddc_words.parse_errors)
_SCPI = _each(
    scpi.parse_idn, parse_error, parse_event_status, lambda d: scpi.parse_answers(d, 5),
    lambda d: [scpi.in_force(a) for a in d.decode("latin-1").split(";")], Block().find, Line().find,
    lambda d: [scpi.Setting(":X", v).agrees(d.decode("latin-1")) for v in (True, 2.0, "INF", "CHAR")],
)  # fmt: skip
_UNIDOS = _each(
    unidos_words.parse_measured, unidos_words.parse_token, unidos_words.parse_device,
    lambda d: unidos_words.parse_progress("NUS", d), lambda d: unidos_words.parse_progress("ASS", d),
    lambda d: unidos_words.parse_one("RGE", d), lambda d: unidos_words.parse_action("STA", d),
)  # fmt: skip


def _panasonic(data: bytes) -> None:
    """Two lines of a dosimeter, or what has become of them: whatever they hold, no number is beside a flag."""
    listener = PANASONIC_UD_716.driver(PANASONIC_UD_716.settings.model_validate({"base_unit": "mSv"}))
    for line in data.split(b"\n"):
        for each in listener.hear(line):
            _stored(each)
    for each in listener.quiet():
        _stored(each)


_RAMP = risoe_words.heat(240, 5.0, 25, 0)
_RISOE = _each(
    risoe_words.Answer(risoe_words.Framing(), "TL", gives_data=True).find,
    lambda d: risoe_counts.counts_of(risoe_words.Framing(), _RAMP, d),
    lambda d: risoe_counts.counts_of(risoe_words.Framing(echo=True), risoe_words.LIFT_UP, d),
    lambda d: risoe_counts.temperature_of(risoe_words.Framing(), "RT", d), risoe_counts.is_late,
)  # fmt: skip


def _profile(data: bytes) -> None:
    load_profile(data, "x.toml")


def _profile_reply(data: bytes) -> None:
    """A reply of each invented probe: whatever it holds, no number is beside a flag that forbids one."""
    for name, reading, check in (("diode-electrometer-12", "all", True), ("mosfet-reader-5", "threshold", False)):
        driver = model(name).driver
        body = without_check(driver.profile.line.check)(data) if check and b"*" in data else data
        for each in Grammar(driver.profile, driver.forms).reading(reading, None, {}, body):
            _stored(each)


def _recording(folder: Path) -> Parse:
    file = folder / "recording.jsonl"

    def parse(data: bytes) -> None:
        file.write_bytes(data)
        read_recording(file)

    return parse


@contextmanager
def targets() -> Iterator[dict[str, Target]]:
    """All of them, by name; those that need files have a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        connection = connect(folder / "store.db", create=True)
        connection.execute("PRAGMA synchronous=OFF")
        try:
            yield {each.name: each for each in _all(folder, connection)}
        finally:
            connection.close()


def _all(folder: Path, connection: sqlite3.Connection) -> Iterator[Target]:
    documents = (*mutate.BYTES, *mutate.TEXT, *mutate.NESTED)
    readers = (*mutate.BYTES, *mutate.TEXT)
    for name, fmt in FILES.items():
        more = mutate.XML * 2 if fmt in (XSYG, XLUM) else mutate.NESTED if fmt is TL_DOS else ()
        kinds = mutate.BYTES if fmt in (RISOE_BIN, DAYBREAK_DAT) else (*readers, *more)
        yield Target(name, _of_format(fmt), seeds.FILES[name](), kinds)
    every = [each for made in seeds.FILES.values() for each in made()]
    yield Target("import", _import(folder), every, (*readers, *mutate.XML), (Refused, Misuse))
    yield Target("order", _order, seeds.orders(), documents, (FileProblem,))
    yield Target("order form", _order, seeds.ORDER_FORMS, documents, (FileProblem,))
    yield Target("hl7", _hl7, seeds.HL7, readers, (NotAnOrder,))
    for name, kind in (("plan-A-v2", Plan), ("inventory", Inventory), ("calibrations", Calibrations)):
        yield Target(name, _document(kind), seeds.toml(f"{name}.toml"), documents, (FileProblem,))
    yield Target("configuration", _configuration(folder), seeds.toml("service.toml"), documents, (FileProblem,))
    yield Target("spe", _spectrum(SPE), (seeds.SPE,), readers, (DosimetryError, Refused))
    yield Target("columns", _spectrum(COLUMNS), (seeds.COLUMNS,), readers, (DosimetryError, Refused))
    yield Target("ingest", _ingest(connection), seeds.messages("readings-"), documents)
    undecodable = answers.NOT_AN_ANSWER
    yield Target("batch", _ingest_batch(connection), seeds.batches(), documents)
    yield Target("committed", _committed, seeds.messages("committed"), documents, undecodable)
    yield Target("batch-committed", _batch_committed, seeds.BATCH_COMMITTED, documents, undecodable)
    yield Target("command", _command, seeds.messages("command"), documents, (requests.Unreadable,))
    yield Target("state", _state, seeds.messages("state-"), documents, (ValidationError,))
    yield Target("answer", _of_model(Answer), seeds.messages("answer-"), documents, (ValidationError,))
    yield Target("event", _of_model(SessionEvent), seeds.messages("event-"), documents, (ValidationError,))
    yield Target("home assistant", _home_assistant, seeds.messages("readings-"), documents, (ValueError,))
    yield Target("6517", _6517, seeds.KEITHLEY_6517, mutate.LINE, (Garbled,))
    yield Target("numeric", _numeric, seeds.KEITHLEY_NUMERIC, mutate.LINE, (Garbled,))
    yield Target("6517 ambient", _6517_ambient, seeds.KEITHLEY_AMBIENT, mutate.LINE, (Garbled,))
    yield Target("keithley buffer", _buffer, seeds.KEITHLEY_BUFFERS, mutate.LINE, (Garbled,))
    yield Target("617", _DDC, seeds.KEITHLEY_DDC, mutate.LINE)
    yield Target("scpi", _SCPI, seeds.SCPI, mutate.LINE)
    yield Target("unidos", _UNIDOS, seeds.UNIDOS, mutate.LINE)
    yield Target("profile", _profile, seeds.profiles(), documents, (ProfileProblem,))
    yield Target("profile-reply", _profile_reply, seeds.PROBES, mutate.LINE, (Garbled, Declined))
    yield Target("recording", _recording(folder), seeds.RECORDINGS, documents, (ValueError,))
    yield Target("panasonic", _panasonic, seeds.PANASONIC, mutate.LINE, (Garbled,))
    yield Target("risoe", _RISOE, seeds.RISOE, mutate.LINE)
    yield Target("ptw", _each(*ptw.PARSERS), ptw.SEEDS, mutate.LINE)


NAMES = (
    *FILES, "import", "order", "order form", "hl7", "plan-A-v2", "inventory", "calibrations", "configuration",
    "spe", "columns", "ingest", "batch", "committed", "batch-committed", "command", "state", "answer",
    "event", "home assistant", "6517", "numeric", "6517 ambient", "keithley buffer", "617", "scpi", "unidos",
    "profile", "profile-reply", "recording", "panasonic", "risoe", "ptw",
)  # fmt: skip


def try_one(target: Target, data: bytes) -> str | None:
    """What is wrong with how a parser took an input, None where nothing is."""
    begun = time.process_time()
    try:
        target.parse(data)
    except target.declared:
        pass
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    took = time.process_time() - begun
    return f"it took {took:.1f} s" if took > SLOW_S else None
