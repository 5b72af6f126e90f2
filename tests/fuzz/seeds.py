"""What the parsers are given undamaged: small inputs of every format, all invented or of the released corpus."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from acquire.canonical import canonical
from acquire.checksum import checksum, seed
from drivers.files.bin_layout import LAYOUTS
from drivers.files.bin_writing import written
from drivers.files.risoe_bin import RISOE_BIN
from drivers.files.xlum_writing import written as written_xlum
from drivers.files.xsyg import XSYG
from drivers.reading import Axis, Sample

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CORPUS = HERE.parent / "acquire" / "bus" / "released" / "0.1.0"


def _winrems_line(card: str, response: str, **fields: str) -> str:
    texts = [
        '"M6600"', "1", "9", "0", "1", "1", "0", '"3"', '"0"', "0", '" "', "20260601", "090215", card,
        '"           "', '" "', "1.000E+0", "1.000", "0", "0.000E+0", "0.000", response, "0.000E+0", "0.000", "78584",
        "1.000E+0", "1.000", "0", '"pC"',
    ]  # fmt: skip
    for name, text in fields.items():
        texts[int(name[1:]) - 1] = text
    return ", ".join(texts)


def winrems() -> tuple[bytes, ...]:
    """Exports of one record and of several, with quality control, a byte order mark, UTF-16."""
    one = _winrems_line("501", "80955") + "\r\n"
    all_four = _winrems_line("0", "123", f4="1", f7="1", f16='"P"', f12="20260602", f29='"nC"') + "\n"
    micro = _winrems_line("17", "5", f29='"\u00b5C"', f13="90215") + "\r\n"
    text = one + all_four + micro + _winrems_line("502", "80956", f16='"R"')
    return one.encode(), text.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16"), text.encode("latin-1")


def _record(kind: str, curves: str, state: str = "finished") -> str:
    more = 'sequenceStepNumber="2" detectionWindow="410 nm"'
    return f'<Record state="{state}" name="r" recordType="{kind}" startDate="20260601090100" {more}>{curves}</Record>'


def _curve(text: str, source: str, kind: str = "measured") -> str:
    return f'<Curve state="finished" curveType="{kind}" {source} curveDescripter="t [s]; cts">{text}</Curve>'


def xsyg() -> tuple[bytes, ...]:
    """Glow curves with heater, an OSL curve, an irradiation, one that is not finished."""
    glow = _curve("0.1,6;0.2,7;0.3,5;0.4,5", 'detector="UVVIS"')
    heat = _curve("0.1,25;0.2,30;0.3,35;0.4,40", 'stimulator="heating element"')
    heat_3 = _curve("0.1,25;0.25,30;0.4,40", 'stimulator="heating element"')
    osl = _curve("0.1,600;0.2,500.5;0.3,4e2", 'detector="NIR50"')
    records = (
        _record("TL", glow + heat) + _record("TL", glow + heat_3) + _record("OSL", osl + glow)
        + _record("irradiation", _curve("0,1;1,0", 'stimulator="source"')) + _record("TL", glow, "started")
    )  # fmt: skip
    inside = f'<Sequence state="finished" name="s" protocol="SAR" position="3">{records}</Sequence>'
    text = f'<?xml version="1.0" encoding="utf-8"?>\n<Sample state="finished" name="S1" user="u">{inside}</Sample>\n'
    wide = text.replace('encoding="utf-8"', 'encoding="utf-16"')
    latin = text.replace('name="s"', 'name="s\u00e4"')
    made = text.encode(), wide.encode("utf-16"), latin.encode("latin-1"), b"\xef\xbb\xbf" + text.encode()
    assert all(map(XSYG.detect, made))
    return made


def risoe_bin() -> tuple[bytes, ...]:
    """BIN and BINX of every kind of record, one version and several in a file, one that ends in a record."""
    fields = {"SAMPLE": "chips", "POSITION": 3, "DATE": "010626", "TIME": "90215", "LOW": 0.0, "HIGH": 8.0}
    glow = fields | {"AN_TEMP": 4.0, "TOLDELAY": 2, "TOLON": 1, "TOLOFF": 1}
    new = tuple(written([(6, glow, (6, 7, 5, 5)), (7, fields | {"LTYPE": 1}, (9, 4)), (8, glow, (1, 2, 3, 4))]))
    old = tuple(_old_bin(version) for version in (3, 4))
    regions = bytearray(next(written([(8, {"RECTYPE": 128}, (0,) * 126)])))
    regions[10:14] = b"\1\0\0\0"
    made = *old, *new, old[0] + new[0] + bytes(regions) + new[2] + old[1] + new[2], new[2] + new[1][:460]
    assert all(map(RISOE_BIN.detect, made))
    return made


def _old_bin(version: int) -> bytes:
    layout = LAYOUTS[version]
    said = {"VERSION": version, "LENGTH": layout.size + 8, "NPOINTS": 2, "HIGH": 8.0, "AN_TEMP": 4.0, "TOLON": 2}
    texts = {"SAMPLE": b"chips", "DATE": b"010626", "TIME": b"090215"}
    empty = {name: b"" if code.endswith("p") else 0 for name, code in layout.codes.items()}
    return layout.struct.pack(*(empty | said | texts).values()) + b"\5\0\0\0\7\0\0\0"


def research_glow() -> tuple[bytes, ...]:
    """The export as it is saved, as CSV with a wrapped heading, and its flat form."""
    head = "   Research (Cts/Temp.) Glow Curve\r\n\r\nDate & Time:     7/23/2019 2:42:20 PM\r\n"
    rows = "1\tN1118   \t 0 \t23.00\t2\n1\tN1118   \t 0.5 \t22.67\t3\n2\tN1119\t0\t23\t4\n"
    saved = f"{head}Sample No.\tBarcode\tTime ( .5s)\tTemperature\tCounts\r\n{rows}"
    wrapped = f"{head}Sample No.,Barcode,Time ( .1s),Temperature,\r\nCounts\r\n" + rows.replace("\t", ",")
    flat = "barcode,time,temp,Count\r\nN1118,4,34.1,1.0\r\nN1118,4.5,35.07,2.0"
    return tuple(text.encode() for text in (saved, wrapped, flat))


def column_map() -> tuple[bytes, ...]:
    """Tables as the map of the target has them."""
    table = "Report\r\nSerial,Time,PMT,DRK\r\nD01,2026-06-01,8095,3\r\nD02,2026-06-01,17.5,4\r\n"
    return table.encode(), table.encode("utf-16"), table.replace("Report", "R\u00e4").encode("latin-1")


def daybreak() -> tuple[bytes, ...]:
    """Text of FLConsole, of both years that were seen."""
    old = (
        "ScriptFile=C:\\s.TXT\n\nSample=\n\n[NewRecord]\n\nDisk=0\n\nDataType=PREHEAT TL\n\n"
        "Started=6/4/2015 3:58:46 PM\n\nPoints=2\n\n  0;    5.000;   30.000;  valid \n\n"
        "  1;   10.000;   32.000;  valid \n\n[NewRecord]\n\nDataType=NORM Irrad\n"
    )
    new = (
        "Sample=s\r\nReaderType=2200\r\n[NewRecord]\r\nDisk=3\r\nDataType=OSL\r\nStarted=2023-10-19 08:00:30\r\n"
        "Points=2\r\n  0;    0.100;   21.000;  valid ; Terr 9.922; HV -1269\r\n"
        "  1;    0.200;   19.000;  invalid ; Terr 0.0; HV -1269\r\n"
    )
    return old.encode(), new.encode(), new[:-30].encode()


def daybreak_dat() -> tuple[bytes, ...]:
    """Binary records of Daybreak: TL, OSL and an irradiation."""
    made = b""
    for d1, special in ((0, bytes(8)), (2818, b"\2\0\1\0\0\0\0\x23"), (10000, bytes(8))):
        made += struct.pack("<6h6B8d", 3, 5, 1, 2, d1, 4, 0, 0, 1, 0, 0, 0, 0, 4.5, 0, 1, 1, 0, 0, 0) + special
        made += b"".join(
            bytes([len(text)]) + text.ljust(7, b"~") for text in (b"", b"Gy/min", b"", b"none", b"", b"", b"")
        )
        made += struct.pack("<H", 105 << 9 | 22 << 4 | 2) + bytes(42) + struct.pack("<5d", 0, 318, 34, 37.5, 0)
    return made, made[:230], made[230:460], made[:500]


def tl_dos() -> tuple[bytes, ...]:
    """A readout and one of the reference light."""
    said = {
        "CurrCount": [0, 1, 0], "HeaterTemp": 307.2, "NumValSets": 3, "PhCount": [2, 9, 4], "det_name": "R1",
        "meas_date": "2019-04-30T14:48:44.835", "meas_id": "RaD", "tDelta": 0.00512, "time_sec": [0.005, 0.010, 0.015],
    }  # fmt: skip
    return json.dumps(said, indent=4).encode(), json.dumps(said | {"meas_id": "PMTref", "det_name": ""}).encode()


def xlum() -> tuple[bytes, ...]:
    """A glow curve with its temperature, an OSL curve in base64, as the project writes them and by hand."""
    time, signal = Axis(unit="s", values=(1, 2, 3)), Axis(unit="{counts}", values=(6, 7.5, 5))
    axes = {"time": time, "signal": signal, "temperature": Axis(unit="Cel", values=(25, 30, 35))}
    glow = Sample(
        kind="glow-curve", quantity="counts", unit="{counts}", element="chips/3", mode="TL", axes=axes, raw=b"x"
    )
    text = written_xlum([glow, glow], "a").decode()
    return text.encode(), text.replace("6 7.5 5", "NiA3LjUgNQ==").encode(), text.encode("utf-16")


def helios() -> tuple[bytes, ...]:
    """A readout of three points, with a line of somebody's words and without."""
    row = "{:08}, {:08.3f}, 01189809, 01192363, 16000.000, 000.100, 000.0, 0.048\n"
    rows = "".join(row.format(n, (n + 1) / 10) for n in range(3))
    text = '"Index", "t[s]", "J", "Jcorr", "Jphd", "dt[s]", "T[K]", "ILed[A]"\n' + rows
    text += '"LED AC amplitude: 0 [A]"\n"Mode: CW"\n"Helios version: 2.1"\n'
    return text.encode(), (text + '"a dot"\n').replace("\n", "\r\n").encode()


def panasonic_dat() -> tuple[bytes, ...]:
    """A run of two dosimeters."""
    lines = (
        "1690120 2406010910  24000000099095050500038000  DE00Y02330430        ",
        "2690121 240601091001265900000107341254147213520030070990 Y101        ",
        "C24060109100020073400000433 0027125400000794 0054147200000177 0022135200000870            ",
        "2690123 240601091102265900000215361496134312040020110990 Y102        ",
        "C24060109110056153600000532 0008149600001074 0057134300000653 0037120400000174            ",
    )
    return "\r\n".join((*lines, "")).encode(), "\n".join(lines[1:]).encode()


def psl() -> tuple[bytes, ...]:
    """A run of a dark count and a decay."""
    made = f" {'=' * 80}\nRun Name:  R1        Sample no:        0016\n\\ L-1 @ 5/19/2016 4:45:12 PM /\n"
    for name, stim, off, counts in (("DARK 2s", 0, 15, (3, -2)), ("S1", 1, 0, (166, 120, 90))):
        cycles = f"On/Off(us) 15,{off:2} | Cycle(ms),No  1000, {len(counts):3}"
        made += f"{'-' * 80}\nMeasurement : {name}   | Stim {stim} | {cycles}\n\n"
        made += "Time (s)        Total Count           Counts per Cycle  \n"
        for n, each in enumerate(counts, start=1):
            made += f"{n:4} {sum(counts[:n]):14} +/- {12:4} {each:14} +/- {4:4}\n"
        made += f"       Terminal Count = {sum(counts)}  +/-  16\n\n"
    return made.encode(), made[:-40].encode(), made.replace("\n", "\r\n").encode()


FILES = {
    "column-map": column_map, "daybreak": daybreak, "daybreak-dat": daybreak_dat, "helios": helios,
    "panasonic-dat": panasonic_dat, "psl": psl, "research-glow": research_glow,
    "risoe-bin": risoe_bin, "tl-dos": tl_dos, "winrems": winrems, "xlum": xlum, "xsyg": xsyg,
}  # fmt: skip


def orders() -> tuple[bytes, ...]:
    """The order of the demonstration."""
    return ((ROOT / "config" / "demo" / "order-A-1.json").read_bytes(),)


ORDER_FORMS = (
    b'schema = "order-form/1"\nid = "O-1"\nrequester = "RO-1"\nrole = "radiation oncologist"\n'
    b'authored_on = 2026-02-02T16:05:00-05:00\nentered_late = "paper"\nnecessity = "beside the pacemaker"\n'
    b'decides = "re-plan"\n[patient]\nnumber = "MRN-EXAMPLE-1"\nauthority = "HOSP"\nbirth_date = 1960-01-01\n',
)
HL7 = (
    b"MSH|^~\\&|M|R|A||20260302||OMG^O19|M-1|P|2.5.1||||||UNICODE UTF-8\r"
    b"PID|1||N-1^^^H^MR~2||E^A||19600101|F\rORC|NW|O-1^M|||||||202603020810-0500|||RO-1^O^A^^^^MD\r"
    b"OBR|1|O-1^M||77331^x^C4||||||||CT|||||||||||||||||||abutting \\T\\ fields\rTQ1|||||||202603020810-0500\r"
    b"NTE|1||Necessity: a field \\X41\\ edge. Result decides: whether\rDG1|1||C61\r",
    b"MSH|^~\\&|M|R|A||20260302||ADT^A40|A-1|P|2.5.1\rPID|1||N-1^^^H^MR\rMRG|N-2^^^H^MR\r",
)


def toml(name: str) -> tuple[bytes, ...]:
    """A file of the demonstration."""
    return ((ROOT / "config" / "demo" / name).read_bytes(),)


def profiles() -> tuple[bytes, ...]:
    """The two that come with the project."""
    return tuple(each.read_bytes() for each in sorted((ROOT / "drivers" / "profile" / "models").glob("*.toml")))


PROBES = (
    b"M 00001,RUN,LOW,00003.05" + b";+2.3100E-09,+0.0000E-09,OK" * 11 + b";+9.9999E-01,+9.9999E-01,OL*0A",
    b"M 00001,RUN,LOW,00003.05" + b";+2.3100E-09,+0.0000E-09,LO" * 12,
    b"VT 3 MF-3 POS 06741.5 0120 OK", b"VT 3 - PRE -----.- 0000 NS", b"ERR 03", b"?3",
)  # fmt: skip
RECORDINGS = (
    b'{"capture": 1, "transport": "tcp"}\n{"t": 0.0, "event": "a program came"}\n'
    b'{"t": 0.1, "from": "host", "text": "ID?\\r\\n"}\n{"t": 0.2, "from": "instrument", "base64": "AgD/"}\n',
)
SPE = b"$SPEC_ID:\nrun 2\n$MEAS_TIM:\n582 600\n$DATA:\n0 4\n       0\n      12\n       7\n       3\n       0\n"
COLUMNS = b"# log bins\n0.112201845430196 4\n0.177827941003892 7\n0.281838293126445 12\n0.446683592150963 3\n"


def messages(*kinds: str) -> tuple[bytes, ...]:
    """Messages of the released corpus whose file names begin so."""
    found = tuple(
        _compact(each) for each in sorted(CORPUS.glob("*.json")) if each.name.startswith(kinds)
    )  # fmt: skip
    assert found
    return found


def first_messages() -> tuple[bytes, ...]:
    """What makes the streams of the batches known to a store: messages of a host without a name."""
    return tuple(_with(each, host="", readings=[], head=0, first_seq=1, oldest=1, ended=None) for each in _batched())


def batches() -> tuple[bytes, ...]:
    """Batches of one message and of several."""
    parts = [_part(each) for each in _batched()]
    said = json.loads(_batched()[0])
    around = {"schema": "batch/1", "source": said["source"], "ask": said["ask"], "epoch": said["epoch"]}
    return tuple(
        json.dumps(around | {"parts": each}, separators=(",", ":")).encode() for each in (parts[:1], parts[1:], parts)
    )


def _batched() -> tuple[bytes, ...]:
    wanted = "readings-scalar", "readings-with-also", "readings-glow-curve"
    (first, *_) = messages(*wanted)
    source = json.loads(first)["source"]
    return tuple(_with(each, source=source) for each in messages(*wanted))


def _with(payload: bytes, **more: object) -> bytes:
    return json.dumps(json.loads(payload) | more, separators=(",", ":")).encode()


def _part(payload: bytes) -> dict[str, object]:
    said = json.loads(payload)
    kept = {k: said[k] for k in ("stream", "first_seq", "head", "oldest", "ended", "older", "readings")}
    of = seed(str(said["stream"]))
    bodies = [canonical(each) for each in said["readings"]]
    return kept | {"checksums": [checksum(of, n, body) for n, body in enumerate(bodies, said["first_seq"])]}


BATCH_COMMITTED = (
    b'{"schema":"batch-committed/1","store":"5e38948e-3941-4e94-bd5e-7fb531ab5107","epoch":"46b6b9e5-1be4-4938-8e9c-'
    b'0fd52d417d85","ask":"39e7d123-5048-4cdc-8d4f-9f480bd63aee","through":{"065b4e88-721c-406a-a829-3323b7d5a8f1":9}}',
)


def _compact(path: Path) -> bytes:
    """The message as it goes over the wire; the corpus is kept indented."""
    said = json.loads(path.read_bytes())
    return json.dumps(said.get("message", said), ensure_ascii=False, separators=(",", ":")).encode()


KEITHLEY_6517 = (
    b"-000.0045E-09NCOUL,+0000640.971549secs,+06330RDNG#", b"+000.0089E-09NCOUL,+0000587.884696secs,+05799RDNG#",
    b"+198.4891E-12NADC,+0007633.858813secs,+58454RDNG#", b"-00.00374E-12NADC,+0001547.173645secs,+03951RDNG#",
    b"+01.01103E+00NVDC,09:00:20.00,26-Mar-2015,+01945RDNG#,+0001.000Vsrc",
    b"+9.9E37OADC,+0000001.000000secs,+00001RDNG#", b"+9.91E37ZCOUL,+0000001.000000secs,+00001RDNG#",
)  # fmt: skip
KEITHLEY_NUMERIC = (
    b"+1.234567E-09,+1.000000E+01,+0.000000E+00", b"-1.234567E-09A,+1.000000E+01,+0.000000E+00",
    b"+9.900000E+37,+1.000000E+01,+1.000000E+00",
    b"+1.000000E+00,+2.000000E+00,+3.000000E+00,+4.000000E+00,+0.000000E+00",
)  # fmt: skip
KEITHLEY_AMBIENT = (
    b"-000.0045E-09NCOUL,+0000640.971549secs,+06330RDNG#,+0021.50C,+0045.00%",
    b"-000.0045E-09NCOUL,+0000640.971549secs,+06330RDNG#,+9999.99C,+0999.99%",
)  # fmt: skip
KEITHLEY_BUFFERS = (
    b"+1.234567E-09,+0.000000E+00,+0.000000E+00,+1.334567E-09,+5.933333E-02,+0.000000E+00",
    b"+9.9E37,+0.000000E+00,+1.000000E+00,+9.9E37,+5.933333E-02,+1.000000E+00",
)  # fmt: skip
KEITHLEY_DDC = (
    b"NDCA+0.12345E-09", b"ODCC+2.00000E-08", b"617302000000007000=:", b"6512302000000007000:=", b"61700010",
)  # fmt: skip
SCPI = (
    b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X", b'0,"No Error"', b"-113,\"Undefined header\"", b"+128",
    b"1;0;2.1E-08;\"CHAR\";+9.9E37", b"#15hello",
)  # fmt: skip
UNIDOS = (
    b"MV;RES;0.0;E-12;p;C;0.0;E-12;p;A;;0.0;ms;200;V;0x0",
    b"MV;MEAS;2.6;E-3;m;Gy;5.6;E-09;n;Gy;min;3000.0;ms;300.0;V;0x0",
    "MV;MEAS;12.345;E-6;\u00b5;C;1.25;E-09;n;A;;3000.0;ms;300;V;0x0".encode(),
    b"NUS;Passed;0;82000", b"TOK;1;true", b"PTW;UNIDOS Tango;TM10052;1.2.4;A16", b"E;20", b"RGE;LOW",
    "MVM;MEDIUM;1.65;E-06;\u00b5;Gy;min".encode(), b"ASS;Passed;0;89000;Low; 136.6;E-12;p;C",
)  # fmt: skip

PANASONIC = (
    b"2690121 240601091001265900000107341254147213520030070990 Y101        \n"
    b"C24060109100020073400000433 0027125400000794 0054147200000177 0022135200000870            ",
    b"1690120 2406010910  24000000099095050500038000  DE00Y02330430        ",
)
RISOE = (
    b"4 11 10 4 8 11 23 3 7 15 19 13 12 9 6 5 15 6 4 1 7 5 9 1 9\n>", b">", b"?LIFT", b"24.5\n>", b"LU\n>",
    b"4 11 10\r4 8 11\r>\r",
)  # fmt: skip
