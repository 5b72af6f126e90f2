"""What public programs say to a 6517: what the manual has is obeyed, everything else is refused and named here."""

from __future__ import annotations

import pytest
from wire_talk import obeys, says

from simulators import commands
from simulators.clock import SteppedClock
from simulators.keithley.electrometer import Electrometer
from simulators.keithley.k6517 import KIND_B

# Forms that drivers, test benches and scripts of other people were seen to send, one of each kind; ? answers.
ACCEPTED = """
*IDN?  *OPT?  *TST?  *STB?  *ESR?  *OPC?  *OPC  *CLS  *RST  *SRE 1  *WAI
*RST;:stat:pres;:*CLS;  *RST; :trac:cle;
:STAT:PRES;*CLS;*SRE 1;:STAT:MEAS:ENAB 512;  :stat:que:enab (-440:+958);  SYST:ERR?  :SYST:ERR:NEXT?
:MEAS?  :MEAS:CURR:DC?  MEASURE:VOLTAGE?  :MEAS:RES?  :MEAS:CHAR?  :READ?  FETCH?  :sens:data:latest?  init:cont on
:SENSe:DATA:FRESh?  :data:fresh?  :CONF:CURR:DC  CONF?  :CONF:CHAR
:FUNC "current"  :sens:func 'volt'  :SENS:FUNC "CHAR"  :SENS:FUNC 'RES';:SENS:RES:NPLC 1.000000;  :sens:func?
:SENS:CURR:RANG:AUTO 0;:SENS:CURR:RANG 0.0002  CURR:RANG MIN  :SENS:RES:RANG 1e20  :SENS:RES:RANG?
:SENS:CURR:RANG:AUTO:LLIM 2.000000E-12  :SENS:CURR:RANG:AUTO:ULIM 2E-2  CURR:RANG:UPP 2e-9
:SENS:FUNC 'CURR';:CURR:RANG:AUTO ONCE  :CHAR:RANG 2e-6  :CHAR:RANG:AUTO OFF  CHAR:RANG:AUTO:LGR LOW
:current:nplcycles 1.000  :current:aperture 1.66670e-02  :current:aperture?  :SENS:VOLT:DC:APER?
:sens:CURR:aper:auto ON;  :CURR:NPLC:AUTO?  :CURR:DIG:AUTO?  SENS:CURR:DIG MAX  :CURR:DIG:AUTO ONCE
:current:average ON  :current:average:type SCAL  :SENS:CURR:DC:AVER:TYPE ADV  :current:average:tcontrol REPEAT
:SENS:VOLT:AVER:ADV:NTOL 2  :CURR:AVER:ADV:NTOL?  :current:median ON  :current:median:rank 2  SENS:CURR:AVER:TCON?
:CURR:DAMP?  :SENS:VOLT:DC:GUARd OFF  :SENS:RES:VSC AUTO  :SENS:RES:VSC?
:SENSe:RESistance:MANual:VSOurce:AMPLitude?  :SENSe:RESistance:MANual:VSOurce:OPERate 0
:CHAR:REF?  :CHAR:REF:ACQ  :CHAR:REF:STAT ON  :SENS:VOLT:REF 0  sens:char:adis:stat 1  :CHAR:ADIS OFF
:SENS:CHAR:ADIS:LEV 1e-6
:SYST:ZCH 0  SYST:ZCH ON;ZCOR:ACQ  :SYST:ZCOR?  SYST:ZCOR OFF
:INIT:CONT OFF  :ABOR;:INIT:CONT OFF;:ABOR;:INIT  :INIT:POFL EXCL  :INIT:POFLag?  :ABOR
:trig:sour tim;  :trig:tim 0.001;  :trig:coun INF;  :trig:del 0.0;  :TRIG:COUN?  TRIG:SOUR BUS
:TRIG:TCON:DIR ACC  :ARM:TCON:DIR ACCeptor  :ARM:SEQuence:LAYer1:COUNt 1  :ARM:LAYer2:DEL 0
:ARM:LAYer2:TCON:DIR ACCeptor  :ARM:LAYer2:SOUR IMM  :ARM:SOUR IMM  ARM:LAY2:TIM 0.2
:FORM:DATA ASCII  :FORM?  :FORM:BORD?  :FORM:ELEM VSO,READ  :trac:elem CHAN, TST, ETEM, VSO;  :trac:elem NONE;
:trac:elem?  :FORMat:ELEM?  :FORM:ELEM READ,STAT,RNUM,UNIT,TST,VSO
:trac:cle;:trac:points 50000;:trig:count 50000;  :trac:poin:act?  :TRAC:POIN:AUTO ON  :TRAC:POIN:AUTO?  :TRAC:FREE?
:TRAC:FEED SENSE;:TRAC:FEED:CONT NEXT;  :trac:feed:cont alw;  :TRAC:FEED:PRET:AMO?  :TRAC:FEED:PRET:SOURCE?
:TRAC:TST:FORM?
:CALC:FORM?  :CALC:FORM POL  :CALC:KMATh:MA0Factor 0  :CALC:STAT ON  :CALC:IMM  :CALC:DATA?  :INIT;*TRG;:CALC:DATA:FRES?
:CALC2:IMM  :CALC2:FORM MEAN  :CALC3:LIM:UPP 1e-9  :CALC3:LIM2:STAT ON  :CALC3:LIM:FAIL?
OUTPUT ON  OUTPut1:STATe?  :SOURce:VOLTage:LEVel:IMMediate:AMPLitude 0.000000000  :SOUR:VOLT:RANG 1000
:SOUR:VOLT:RANG?  :SOUR:VOLT:RANG:AUTO 1  :sour:volt:lim:ampl 100;  :SOUR:VOLT:LIM:STAT ON  :SOUR:VOLT:MCON 0
SOUR:CURR:RLIM:STAT ON  :SOUR:CURR:LIM?  :SOURce:CURRent:LIMit:STATe?
:SYST:TSC OFF  :SYST:HSC?  :syst:lsyn:stat ON;  :SYST:TST:TYPE REL  :SYST:TST:REL:RES  :SYST:RNUM:RES  :SYST:VERS?
:SYST:POS?  :SYST:KEY?  :SYST:DATE?  :SYST:TIME?  :SYST:HLC?  :SYST:INT?  :SYSTem:INTerlock?  :SYST:CLE
:SYST:ARSP FAST  :SYST:LOC  :SYST:REM  :SYST:LLOC ON  :SYST:MACR:TRIG:MODE CONT  :SYST:MACR:TRIG:SOUR IMM  :SYST:PRES
:disp:enab OFF;  :DISP:WIND1:TEXT:STAT 1  :DISP:WIND1:TEXT:DATA 'HELLO'
rout:clos (@1)  route:open:all  ROUT:CLOS:STAT?
:TSEQ:TYPE STSW  :TSEQ:STSW:STAR 0  :TSEQ:STSW:STEP 0.1  :TSEQ:STSW:STIM 1  :TSEQ:TSO IMM
"""
NOT_IN_THE_MANUAL = {
    ":vsou:oper ON": "one program switches the source so; the manual has :OUTPut, and VSO is the short form of VSOurce",
    ":vsou:oper?": "as above",
    ":inp:zcor ON": "a Keysight B2980's, sent by code that serves both",
    ":sens:func:on 'CURR'": "as above",
    ":init:acq": "as above",
    ":SYSTe:PRESe": "the manual: a word is in its long or its short form and nothing in between",
}


def unit() -> Electrometer:
    return KIND_B.make(SteppedClock(), 1, {"noise": 0.0})


async def test_every_command_the_manual_has_is_obeyed_and_every_query_answered() -> None:
    refused, instrument = [], unit()
    for message in filter(None, (part.strip() for part in ACCEPTED.replace("\n", "  ").split("  "))):
        reply = await says(instrument, message)
        if instrument.status.queue or bool(reply) != ("?" in message):
            refused.append((message, reply, instrument.status.next_error()))
    assert refused == []


@pytest.mark.parametrize("message", NOT_IN_THE_MANUAL)
async def test_what_the_manual_does_not_have_is_an_undefined_header(message: str) -> None:
    instrument = unit()
    assert await says(instrument, message) == ""
    assert await says(instrument, ":SYST:ERR?") == '-113,"Undefined header"'


@pytest.mark.parametrize(
    ("message", "code"),
    [(":CURR:RANG:AUTO ONCE", -221), (":SENS:CURR:AVER:COUN 101", -222), (":FORM:DATA SRE", -224), ("*ESE", -109),
     (":ABOR 1", -108), (":SENS:FUNC CURR", -151), (":TRIG:SOUR SUN", -224), (":INIT", -213), ("*TRG", -211),
     (":SENS:CURR:NPLC fast", -104), (":DISP:WIND1:TEXT:DATA 'twenty-one characters'", -223)],
)  # fmt: skip
async def test_a_wrong_command_queues_its_own_error(message: str, code: int) -> None:
    instrument = unit()
    await says(instrument, message)
    assert list(instrument.status.queue) == [code]


async def test_what_is_set_is_what_is_asked_even_where_it_is_only_remembered() -> None:
    instrument = unit()
    await obeys(instrument, ":SYST:ARSP FAST;:SOUR:VOLT:MCON ON;:SENS:VOLT:GUAR ON;:TSEQ:TYPE STSW;:SYST:DATE 2027,2,3")
    asked = ":SYST:ARSP?;:SOUR:VOLT:MCON?;:SENS:VOLT:GUAR?;:TSEQ:TYPE?;:SYST:DATE?"
    assert await says(instrument, asked) == "FAST;1;1;STSW;2027,02,03"


def test_the_command_list_says_what_is_asked_set_and_only_remembered() -> None:
    listed = {each.header: each for each in commands("keithley-6517b")}
    median = listed["[:SENSe[1]]:CHARge:MEDian[:STATe]"]
    assert (median.sets, median.asks, median.simulated) == (True, True, True)
    damping = listed["[:SENSe[1]]:CURRent[:DC]:DAMPing"]
    assert (damping.sets, damping.asks, damping.simulated) == (True, True, False)
    assert (listed["*IDN"].sets, listed["*IDN"].asks) == (False, True)
    assert (listed["*RST"].sets, listed["*RST"].asks) == (True, False)


def test_the_command_list_of_a_file_reader_is_empty_and_of_a_unidos_its_words() -> None:
    assert commands("winrems") == []
    words = {each.header: each for each in commands("ptw-unidos-tango")}
    assert (words["MV"].asks, words["STA"].sets, words["RGE"].sets and words["RGE"].asks) == (True, True, True)
    with pytest.raises(ValueError, match="no simulated instrument"):
        commands("ohmmeter")
