"""All grammars of the PTW dosemeters beside the UNIDOS's own: what they parse, and a good reply of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.ptw import classic_words, diamentor_words, multidos_data, multidos_words, unidos_records
from drivers.ptw.block_check import BlockCheck

PARSERS: tuple[Callable[[bytes], Any], ...] = (
    unidos_records.parse_full_scale, unidos_records.parse_resolution, unidos_records.parse_self_test,
    lambda d: unidos_records.parse_list("RHR", d), lambda d: unidos_records.parse_record("RDR", d, "a-1"),
    BlockCheck("find-out").checked, BlockCheck("byte-sum").checked,
    multidos_words.parse_device, multidos_data.parse_dual, lambda d: multidos_data.parse_multi(1, 3, d),
    lambda d: multidos_words.parse_bits("SE", multidos_words.ERROR_BITS, d),
    lambda d: multidos_words.parse_echo("STA", d), lambda d: multidos_words.parse_value("R", "[LH-]{2}", d),
    diamentor_words.parse_measured, diamentor_words.parse_device, diamentor_words.parse_test,
    lambda d: diamentor_words.parse_value("PRE", "[0-9]{4}", d),
    classic_words.parse_device, classic_words.parse_serial, classic_words.parse_radiological, classic_words.parse_state,
    classic_words.parse_menu, classic_words.parse_unit, classic_words.parse_range, classic_words.parse_shown,
    lambda d: classic_words.parse_echo("G", d),
)  # fmt: skip
SEEDS = (
    "MVM;MEDIUM;1.65;E-06;\u00b5;Gy;min".encode(), b"MVR;MEDIUM;0.5;E-12;p;Gy;0.003;E-09;n;Gy;min",
    b"ASS;Passed;0;89000;Low; 136.6;E-12;p;C;Med; 1.500;E-09;n;C", b'RHR;[{"id":1;"dose":1.2e-3;"flags":"0x0"}]',
    b'RDR;a-1;{"maxHv":400;"name":"Farmer 30013"}', b"MULTIDOS 1.30E", b"SE00065", b"STA", b"RLH", b"E10",
    b"D0;   12.5s;STA;00;0;0;0; 1.234E-09;4;-5.670E-11;3; 0045.9;02749",
    b"D0;   12.5s;STA;00;0;0;0; 1.234E-09;4;-5.670E-11;3; 0045.9;",
    b"D0103;0;  100.0s;HLD;00;L;A;4;0000;0000;0000; 1.000E-09; 2.000E-09;+0L   ;",
    b"M9999.99,8888.88,222,33,0000.10,0000.20,001,02,34567", b"CRS 2.33", b"PRE1013", b"E23", b"UNIDOS 2.20 T10001",
    b"4", b"MES", b"0003", b"Gy", b"LOW 1 20.0 n", b"  12.5    1.2340", b"300 V", b"G",
)  # fmt: skip
