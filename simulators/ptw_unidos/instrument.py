"""A simulated PTW UNIDOS Tango or Romeo dosemeter on its network port.

Sources: PyMeasure's ptwUNIDOS class and its tests against a real Tango. What they leave open is named in `ASSUMED`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields

from simulators.clock import Clock
from simulators.instrument import Clear, CommandInfo, Instrument, LineFramer, Reply, Request, Session, State
from simulators.model import WireModel
from simulators.ptw_unidos import json_reads
from simulators.ptw_unidos.meter import RANGES, DoseMeter, PtwError
from simulators.ptw_unidos.options import UnidosOptions
from simulators.ptw_unidos.text import measured_text, range_max_text, range_resolution_text, self_test_text

ASSUMED = (
    "the type number and name the Romeo reports",
    "full scales and resolutions of the ranges",
    "NUS and ASS say Running while zeroing or self test lasts, Passed before the first",
    "STA after HLD begins a new measurement",
    "INT during an interval begins it anew, with the time set then; setting IT changes no running interval",
    "an interval ends in INTHLD; zeroing and self test end in RES",
    "with autostart, AUTO until the signal passes the threshold, then AUTO_MEAS, and AUTO_HOLD when it falls",
    "settings and actions other than HLD and RES are refused with E;03 while zeroing or self test lasts",
    "MV states the voltage at the detector and HV the one that was set; how fast it gets there",
    "JSON value types; every reply takes 5 ms; a request may have 256 characters",
    "the write permission ends with the connection",
)
REPLY_S = 0.005
MAX_REQUEST = 256
LEVELS = ("LOW", "MEDIUM", "HIGH")
STILL = frozenset({"RDA", "RDR", "REC", "RAC", "RIR", "RSR"})  # what never changes here
KNOBS = ("units", "range")
WHOLE = re.compile(r"-?\d+")
Fields = list[str]
Setting = tuple[Callable[[], str], Callable[[str], None]]


class PtwUnidosTango(Instrument):
    """The instrument behind the wire; `meter` is open for tests. `owner` is the client with write permission."""

    model = "ptw-unidos-tango"
    sheds_clients_on_reboot = True
    identity = ("UNIDOS Tango", "TM10052")

    def __init__(self, clock: Clock, seed: int = 0, options: UnidosOptions | None = None) -> None:
        super().__init__(clock, seed)
        self.options = chosen = options or UnidosOptions()
        self.detector.leakage_a = chosen.leakage_a
        self.name = chosen.name or self.identity[0]
        self.type_number = chosen.type_number or self.identity[1]
        self.serial = str(chosen.serial)
        self.firmware, self.hardware, self.mac = chosen.firmware, chosen.hardware, chosen.mac
        self.power_cycle()

    def power_cycle(self) -> None:
        chosen = self.options
        self.owner: UnidosSession | None = None
        self.token_free = chosen.token_free
        self.literal: str | None = None
        self.failure = "-"
        self.refusal: int | None = None
        self.meter = DoseMeter(
            self.detector, chosen.calibration_gy_per_c, self.clock.now(), progress_lag_s=chosen.progress_lag_s,
            hv_ramp_v_per_s=chosen.hv_ramp_v_per_s, zero_s=chosen.zero_s,
        )  # fmt: skip
        self.obey_setup()

    def obey_setup(self) -> None:
        """Let voltage and range be what the set-up says, whatever was set."""
        if self.options.hv_reads is not None:
            self.meter.set_voltage(self.options.hv_reads, self.clock.now())
        if self.options.range_reads is not None:
            self.meter.range_ = self.options.range_reads

    def open_session(self) -> UnidosSession:
        return UnidosSession(self)

    @property
    def banner(self) -> bytes:
        """None: a network instrument says nothing of itself."""
        return b""

    def is_identification(self, request: bytes) -> bool:
        return request.strip() in {b"PTW", b"SER"}

    def become(self, other: str) -> None:
        if other == "device":
            self.name, self.type_number = "UNIDOS Webline", "TM10021"
        else:
            self.serial = str(int(self.serial) + 1).zfill(len(self.serial))

    def front_panel(self, what: str | None = None) -> None:
        self.meter.catch_up(self.clock.now())
        act = what or KNOBS[0]
        if act not in KNOBS:
            raise ValueError(f"nobody can turn {act!r} on {self.model}; there is {', '.join(KNOBS)}")
        if act == "units":
            self.meter.electrical = not self.meter.electrical
        else:
            names = list(RANGES)
            self.meter.range_ = names[(names.index(self.meter.range_) + 1) % len(names)]

    def busy(self) -> bytes:
        return b"E;03\r\n"

    def stray_line(self) -> bytes:
        return f"S;{self.meter.state}\r\n".encode()

    def sentinels(self, reply: bytes) -> list[bytes]:
        """Overload flags, NaN, 9.9E37, minus zero, decimal comma in the integral of an `MV` reply."""
        fields = reply.split(b";")

        def with_fields(start: int, *new: bytes) -> bytes:
            return b";".join([*fields[:start], *new, *fields[start + len(new) :]])

        return [
            b";".join([*fields[:-1], b"0x3\r\n"]),
            with_fields(2, b"NaN"),
            with_fields(2, b"9.9", b"E37"),
            with_fields(2, b"-0.0"),
            with_fields(2, fields[2].replace(b".", b",")),
        ]

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            "state": lambda value: setattr(self.meter, "state", str(value)),
            "flags": lambda value: setattr(self.meter, "extra_flags", int(str(value), 0)),
            "token": self._hand_token,
            "force_reply": lambda value: setattr(self, "literal", None if value is None else str(value)),
            "failure": lambda value: setattr(self, "failure", str(value)),
            "refusal": lambda value: setattr(self, "refusal", int(str(value))),
            "leakage_a": lambda value: setattr(self.detector, "leakage_a", float(str(value))),
        }

    def _hand_token(self, free: object) -> None:
        """False: somebody at the screen takes the write permission away; True: it may be had again."""
        self.token_free = bool(free)
        if not free:
            self.owner = None

    def commands(self) -> list[CommandInfo]:
        return UnidosSession(self).commands()

    def state(self) -> State:
        now = self.clock.now()
        self.meter.catch_up(now)
        return {
            "model": self.model,
            "serial": self.serial,
            "emitted": self.emitted,
            "state": self.meter.state,
            "range": self.meter.range_,
            "token": self.owner is not None,
            "charge_c": self.detector.charge(now),
            "time_s": now,
        }


class UnidosSession(Session):
    """One client: one request, one reply, in order. Losing the client ends its write permission (assumed)."""

    def __init__(self, unit: PtwUnidosTango) -> None:
        self._unit = unit
        self._framer = LineFramer(MAX_REQUEST)
        self.now_s = unit.clock.now()
        self._queries = self._make_queries()
        self._actions = self._make_actions()
        self._settings = self._make_settings()

    @property
    def meter(self) -> DoseMeter:
        """The measuring unit in use now; a restart makes a new one."""
        return self._unit.meter

    def feed(self, data: bytes) -> list[Request | Clear]:
        return self._framer.feed(data)

    def close(self) -> None:
        if self._unit.owner is self:
            self._unit.owner = None

    async def answer(self, request: bytes) -> Reply | None:
        clock = self._unit.clock
        await clock.sleep_until(clock.now() + REPLY_S)
        self.now_s = clock.now()
        self.meter.catch_up(self.now_s)
        try:
            text = self._answer(request)
        except PtwError as error:
            return Reply(f"E;{error.code:02d}\r\n".encode())
        measurement = text.startswith("MV;")
        if measurement and self._unit.literal is not None:
            text, self._unit.literal = self._unit.literal, None
        return Reply(text.encode() + b"\r\n", measurement)

    def commands(self) -> list[CommandInfo]:
        """Every word, and whether it asks, acts or sets."""
        asking = [*self._queries, "RDR"]
        words = [CommandInfo(word, sets=False, asks=True, simulated=word not in STILL) for word in asking]
        words += [CommandInfo(word, sets=True, asks=False, simulated=True) for word in self._actions]
        return words + [CommandInfo(word, sets=True, asks=True, simulated=True) for word in ("TOK", *self._settings)]

    def _answer(self, request: bytes) -> str:
        if len(request) > MAX_REQUEST:
            raise PtwError(16)
        word, *fields = request.decode("utf-8", "replace").strip().split(";")
        if any(not field for field in fields):
            raise PtwError(18)
        if word == "TOK":
            return self._token(fields)
        if word == "RDR":
            return self._detector_json(fields)
        if word in self._queries:
            _count(fields, 0)
            return f"{word};{self._queries[word]()}"
        if word in self._actions:
            _count(fields, 0)
            self._check_permission(word)
            self._actions[word]()
            return word
        if word in self._settings:
            return self._setting(word, fields)
        raise PtwError(1)

    def _token(self, fields: Fields) -> str:
        unit = self._unit
        if not fields:
            if unit.token_free and unit.owner is None:
                unit.owner = self
            return f"TOK;{_flag(unit.owner is self)}"
        _count(fields, 1)
        if fields[0] == "0":
            self.close()
            return "TOK;0;true"
        if fields[0] == "1":
            return f"TOK;1;{_flag(unit.owner is self)}"
        raise PtwError(8)

    def _check_permission(self, word: str) -> None:
        if self._unit.owner is not self:
            raise PtwError(20)
        if self._unit.refusal is not None:
            code, self._unit.refusal = self._unit.refusal, None
            raise PtwError(code)
        if self.meter.state in {"ZERO", "SELF_TEST"} and word not in {"HLD", "RES"}:
            raise PtwError(3)

    def _setting(self, word: str, fields: Fields) -> str:
        get, put = self._settings[word]
        if fields:
            _count(fields, 1)
            self._check_permission(word)
            put(fields[0])
            self._unit.obey_setup()
        return f"{word};{get()}"

    def _detector_json(self, fields: Fields) -> str:
        _count(fields, 1)
        found = next((each for each in self._detectors() if each["guid"] == fields[0]), None)
        if found is None:
            raise PtwError(21)
        return f"RDR;{fields[0]};{json_reads.wire_json(found)}"

    def _detectors(self) -> list[json_reads.Record]:
        return json_reads.detectors(self._unit.options)

    def _make_queries(self) -> dict[str, Callable[[], str]]:
        wire, unit = json_reads.wire_json, self._unit
        return {
            "PTW": lambda: f"{unit.name};{unit.type_number};{unit.firmware};{unit.hardware}",
            "SER": lambda: unit.serial,
            "MAC": lambda: unit.mac,
            "TFI": lambda: unit.failure,
            "S": lambda: self.meter.state,
            "MV": lambda: measured_text(self.meter, self.now_s),
            "MVM": lambda: range_max_text(self.meter),
            "MVR": lambda: range_resolution_text(self.meter),
            "NUS": lambda: self.meter.zeroing.text(self.now_s),
            "ASS": lambda: self_test_text(self.meter.testing.text(self.now_s)),
            "RDA": lambda: wire(self._detectors()),
            "REC": lambda: wire(json_reads.LAN),
            "RAC": lambda: wire(json_reads.ACCESS_POINT),
            "RHR": lambda: wire(self.meter.history),
            "RMR": lambda: wire(json_reads.measurement(self.meter)),
            "RIR": lambda: wire(json_reads.device(unit)),
            "RSR": lambda: wire(json_reads.SYSTEM),
        }

    def _make_actions(self) -> dict[str, Callable[[], None]]:
        return {
            "STA": lambda: self.meter.start(self.now_s),
            "HLD": lambda: self.meter.hold(self.now_s),
            "RES": lambda: self.meter.reset(self.now_s),
            "INT": lambda: self.meter.start_interval(self.now_s),
            "NUL": lambda: self.meter.zero(self.now_s),
            "AST": lambda: self.meter.self_test(self.now_s),
            "CHR": self._clear_history,
        }

    def _clear_history(self) -> None:
        self.meter.history.clear()

    def _make_settings(self) -> dict[str, Setting]:
        def text(name: str, allowed: tuple[str, ...]) -> Setting:
            return lambda: getattr(self.meter, name), lambda word: setattr(self.meter, name, _one_of(word, allowed))

        def flag(name: str) -> Setting:
            return (
                lambda: _flag(getattr(self.meter, name)),
                lambda word: setattr(self.meter, name, _one_of(word, ("true", "false")) == "true"),
            )

        def whole(name: str, low: int, high: int) -> Setting:
            return lambda: str(getattr(self.meter, name)), lambda word: setattr(
                self.meter, name, _whole(word, low, high)
            )

        chosen = self._unit.options
        return {
            "RGE": text("range_", tuple(RANGES)),
            "HV": (
                lambda: str(self.meter.voltage_v),
                lambda word: self.meter.set_voltage(
                    _whole(word, max(-400, chosen.min_hv), min(400, chosen.max_hv)), self.now_s
                ),
            ),
            "IT": whole("interval_s", 1, 3599999),
            "ASL": text("autostart_level", LEVELS),
            "ASE": (lambda: _flag(self.meter.autostart), self._set_autostart),
            "ASR": flag("autoreset"),
            "UEL": flag("electrical"),
        }

    def _set_autostart(self, word: str) -> None:
        self.meter.set_autostart(_one_of(word, ("true", "false")) == "true", self.now_s)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _count(fields: Fields, wanted: int) -> None:
    if len(fields) > wanted:
        raise PtwError(17)
    if len(fields) < wanted:
        raise PtwError(19)


def _one_of(word: str, allowed: tuple[str, ...]) -> str:
    if word not in allowed:
        raise PtwError(8)
    return word


def _whole(word: str, low: int, high: int) -> int:
    if not WHOLE.fullmatch(word) or not low <= int(word) <= high:
        raise PtwError(8)
    return int(word)


class PtwUnidosRomeo(PtwUnidosTango):
    """The Romeo: another name and type number, both assumed."""

    model = "ptw-unidos-romeo"
    identity = ("UNIDOS Romeo", "TM10053")


def wire_model(kind: type[PtwUnidosTango], title: str) -> WireModel:
    """The value that the entry point of one of the models gives."""
    names = tuple(each.name for each in fields(UnidosOptions))
    return WireModel(
        kind.model, title, ASSUMED, names, lambda clock, seed, options: kind(clock, seed, UnidosOptions.named(options))
    )


TANGO = wire_model(PtwUnidosTango, "PTW UNIDOS Tango dosemeter")
ROMEO = wire_model(PtwUnidosRomeo, "PTW UNIDOS Romeo dosemeter")
