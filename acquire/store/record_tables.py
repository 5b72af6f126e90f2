"""Which tables are the record and what holds their rows, table by table; and what is no part of it, with the reason.

`acquire store verify` works from this, and the test of edits makes an edit of every column of the schema from it: a
table or column that is neither held nor listed here fails that test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AUDIT = "audit"
STREAMS = ("identity", "streams", "entries", "lost", "conflicts", "stand_ins", "received", "seal")
"""What instruments said and what was made of it: held by the chain of seals (acquire/store/seals.py)."""


@dataclass(frozen=True, slots=True)
class PeoplesTable:
    """A table whose rows people make, each sealed by the audit entry that was written with it.

    words    a row in words, from its columns
    named    a row that is gone, from its key alone
    of       the rows of session ?1, as a condition
    """

    words: str
    named: str
    of: str


_ATTEMPTS = "measurement IN (SELECT measurement FROM attempt WHERE session = ?1)"
ORDER = "SELECT order_id FROM session WHERE id = ?1"
FILES = (  # SHA-256 of what a session was measured and calculated from
    "SELECT calibrations FROM session WHERE id = ?1 UNION SELECT inventory FROM session WHERE id = ?1"
    f" UNION SELECT sha256 FROM orders WHERE id = ({ORDER}) UNION SELECT sha256 FROM plan WHERE order_id = ({ORDER})"
    " UNION SELECT sha256 FROM spectrum_file WHERE session = ?1"
    " UNION SELECT scan FROM transcription WHERE session = ?1"
    f" UNION SELECT sha256 FROM downtime_form WHERE order_id = ({ORDER})"
    " UNION SELECT json FROM rendition WHERE session = ?1 UNION SELECT html FROM rendition WHERE session = ?1"
    " UNION SELECT pdf FROM rendition_pdf WHERE session = ?1"
    f" UNION SELECT calibrations FROM plan_files WHERE order_id = ({ORDER})"
    f" UNION SELECT inventory FROM plan_files WHERE order_id = ({ORDER})"
    f" UNION SELECT sha256 FROM order_version WHERE order_id = ({ORDER})"
)
PLACED = "SELECT dosimeter FROM placement WHERE session = ?1"
FITTED = "curve fitted"  # what the audit entry of a fit says
_SESSION = "session = ?1"
_EVERY_SESSION = "?1 IS NOT NULL"

PEOPLE: Mapping[str, PeoplesTable] = {
    "document": PeoplesTable("the {kind} file {name}", "the file {sha256}", f"sha256 IN ({FILES})"),
    "orders": PeoplesTable("order {id}", "order {id}", f"id = ({ORDER})"),
    "plan": PeoplesTable(
        "plan v{version} of order {order_id}", "plan v{version} of order {order_id}", f"order_id = ({ORDER})"
    ),
    "expected_confirmed": PeoplesTable(
        "the second person for the expected dose of {point} in plan v{version} of order {order_id}",
        "the second person for the expected dose of {point} in plan v{version} of order {order_id}",
        f"order_id = ({ORDER})",
    ),
    "plan_files": PeoplesTable(
        "the files of plan v{version} of order {order_id}", "the files of plan v{version} of order {order_id}",
        f"order_id = ({ORDER})",
    ),
    "order_cancelled": PeoplesTable(
        "that order {order_id} was cancelled", "that order {order_id} was cancelled", f"order_id = ({ORDER})"
    ),
    "rt_plan_seen": PeoplesTable(
        "that the RT Plan {uid} was read for order {order_id}", "an RT Plan that was read ({n})",
        f"order_id = ({ORDER})",
    ),
    "order_version": PeoplesTable(
        "v{version} of order {order_id}", "v{version} of order {order_id}", f"order_id = ({ORDER})"
    ),
    "plan_holds": PeoplesTable(
        "that plan v{version} holds for v{order_version} of order {order_id}",
        "that plan v{version} holds for v{order_version} of order {order_id}", f"order_id = ({ORDER})",
    ),
    "patient_known": PeoplesTable(
        "that v{version} of what is known of patient {patient} was told",
        "that v{version} of what is known of patient {patient} was told", _EVERY_SESSION,
    ),
    "patient_merged": PeoplesTable("that {retired} is {kept}", "merge {n} of patients", _EVERY_SESSION),
    "patient_separated": PeoplesTable(
        "that the patients of merge {merge} are two again", "the end of merge {merge} of patients", _EVERY_SESSION
    ),
    "message_taken": PeoplesTable(
        "message {control_id} of {sender}", "message {control_id} of {sender}", _EVERY_SESSION
    ),
    "session": PeoplesTable("session {id}", "session {id}", "id = ?1"),
    "session_state": PeoplesTable("state {state} of session {session}", "state {n} of a session", _SESSION),
    "time_out": PeoplesTable("the time-out of session {session}", "time-out {n}", _SESSION),
    "environment": PeoplesTable("the air {n} of session {session}", "the air {n}", _SESSION),
    "attempt": PeoplesTable(
        "the attempt at step {step} of session {session}", "the attempt {measurement}", _SESSION
    ),
    "attempt_mark": PeoplesTable("'{mark}' of attempt {measurement}", "what became of an attempt ({n})", _ATTEMPTS),
    "attempt_in_force": PeoplesTable(
        "what was in force on {model} {serial} at attempt {measurement}",
        "what was in force at attempt {measurement}",
        _ATTEMPTS,
    ),
    "detector_irradiated": PeoplesTable(
        "that {detector} lay at {point} at attempt {measurement}", "what lay at {point} at attempt {measurement}",
        _ATTEMPTS,
    ),
    "not_measured": PeoplesTable(
        "step {step} of session {session}, not measured", "step {step} of session {session}, not measured", _SESSION
    ),
    "placement": PeoplesTable("{dosimeter} at {point} in session {session}", "placement {id}", _SESSION),
    "removal": PeoplesTable(
        "the removal of what placement {placement} placed",
        "the removal of what placement {placement} placed",
        "placement IN (SELECT id FROM placement WHERE session = ?1)",
    ),
    "result": PeoplesTable(
        "result {point} v{version} of session {session}", "result {point} v{version} of session {session}", _SESSION
    ),
    "notice": PeoplesTable("notice {n}, {cause} at {point} of session {session}", "notice {n}", _SESSION),
    "notice_mark": PeoplesTable(
        "'{what}' of notice {notice}", "what became of a notice ({n})",
        "notice IN (SELECT n FROM notice WHERE session = ?1)",
    ),
    "downtime_form": PeoplesTable("downtime form {n}", "downtime form {n}", f"order_id = ({ORDER})"),
    "transcription": PeoplesTable(
        "{as_written} at {point} of session {session}, entered from form {form}", "what was entered from a form ({n})",
        _SESSION,
    ),
    "transcription_checked": PeoplesTable(
        "who compared entry {transcription} with its form", "who compared entry {transcription} with its form",
        "transcription IN (SELECT n FROM transcription WHERE session = ?1)",
    ),
    "total_read_back": PeoplesTable(
        "what an electrometer kept at {point} of session {session}", "what an electrometer kept ({n})", _SESSION
    ),
    "clock_compared": PeoplesTable(
        "the clock of {machine} in session {session}", "a clock that was compared ({n})", _SESSION
    ),
    "taken_over": PeoplesTable(
        "that {who} took session {session} over", "who took a session over ({n})", _SESSION
    ),
    "input_changed": PeoplesTable(
        "'{what}' of {instrument} in session {session}", "what was said of an input ({n})", _SESSION
    ),
    "statement": PeoplesTable("'{what}', stated in session {session}", "statement {n}", _SESSION),
    "binding": PeoplesTable(
        "that {detector} lay at {point} in session {session}, not {planned}", "binding {n}", _SESSION
    ),
    "reader_run_stated": PeoplesTable(
        "with which standards {dosimeter} was read in session {session}", "reader run {n}", _SESSION
    ),
    "beam_part_said": PeoplesTable(
        "that {nc} nC at {point} in session {session} were '{what}'", "what was said of a part of a beam ({n})",
        _SESSION,
    ),
    "beam_statement": PeoplesTable(
        "'{what}', stated of a beam in session {session}", "what was stated of a beam ({n})", _SESSION
    ),
    "presence_stated": PeoplesTable("'{what}' of {point} in session {session}", "presence {n} of a session", _SESSION),
    "read_as": PeoplesTable(
        "which element was read as {read_as} in session {session}", "under which name an element was read ({n})",
        _SESSION,
    ),
    "read_anew": PeoplesTable(
        "that {file} on {reader} counts as it was taken again, of session {session}", "a reading taken again ({n})",
        _SESSION,
    ),
    "console_time": PeoplesTable("the console's time in session {session}", "console time {n}", _SESSION),
    "spectrum_file": PeoplesTable(
        "which spectrum is of {point} in session {session}", "which spectrum is of a point ({n})", _SESSION
    ),
    "curve_fit": PeoplesTable(  # the program's: made like these, and held like these
        "the fit of entry {seq} of stream {stream} ({analysis}, preset '{preset}')",
        "the fit of entry {seq} of stream {stream} ({analysis}, preset '{preset}')",
        f"dosimeter IN ({PLACED})",
    ),
    "coefficient": PeoplesTable(
        "calibration {calibration} of {owner}, {what}", "a coefficient of {owner} ({n})", _EVERY_SESSION
    ),
    "billing_table": PeoplesTable(
        "the table {name}, {what}, of {valid_from} to {valid_until}", "billing table {n}", _EVERY_SESSION
    ),
    "element_batch": PeoplesTable("batch {batch} v{version}", "batch {batch} v{version}", _EVERY_SESSION),
    "element": PeoplesTable("element {element} v{version}", "element {element} v{version}", _EVERY_SESSION),
    "element_event": PeoplesTable("'{what}' of element {element}", "event {n} of element {element}", _EVERY_SESSION),
    "equipment_event": PeoplesTable("'{what}' of {equipment}", "event {n} of {equipment}", _EVERY_SESSION),
    "element_calibration": PeoplesTable("calibration {id}", "calibration {id}", _EVERY_SESSION),
    "element_calibration_part": PeoplesTable(
        "{element} in cycle {cycle} of calibration {calibration}", "part {n} of calibration {calibration}",
        _EVERY_SESSION,
    ),
    "element_calibration_result": PeoplesTable(
        "what calibration {calibration} gave (v{version})", "what calibration {calibration} gave (v{version})",
        _EVERY_SESSION,
    ),
    "element_calibration_mark": PeoplesTable(
        "'{mark}' of calibration {calibration}", "mark {n} of calibration {calibration}", _EVERY_SESSION
    ),
    "signed_words": PeoplesTable("the {what} written in session {session}", "the words {n} of a session", _SESSION),
    "signature": PeoplesTable(
        "signature {n} of version {version} of session {session} by {account}",
        "signature {n} of version {version} of session {session}",
        _SESSION,
    ),
    "rendition": PeoplesTable(
        "which bytes were signed as version {version} of session {session}",
        "which bytes were signed as version {version} of session {session}",
        _SESSION,
    ),
    "rendition_pdf": PeoplesTable(
        "which PDF is kept of version {version} of session {session}",
        "which PDF is kept of version {version} of session {session}",
        _SESSION,
    ),
    "amendment": PeoplesTable(
        "why there is version {version} of session {session}", "why there is version {version} of session {session}",
        _SESSION,
    ),
    "covering": PeoplesTable(
        "that {physician} covers in order {order_id}", "who covers in an order ({n})", f"order_id = ({ORDER})"
    ),
    "disclosure": PeoplesTable(
        "that {recipient} was given session {session}", "who was given a record ({n})", _SESSION
    ),
    "correction_told": PeoplesTable(
        "that {name} was told of version {version} of session {session}", "who was told of a correction ({n})", _SESSION
    ),
    "account": PeoplesTable("account {id} v{version}", "account {id} v{version}", _EVERY_SESSION),
    "account_password": PeoplesTable("password {n} of {account}", "password {n} of {account}", _EVERY_SESSION),
    "password_tried": PeoplesTable(
        "'{what}' of the password of {account}", "trial {n} of a password", _EVERY_SESSION
    ),
    "account_linked": PeoplesTable(
        "whom a provider of log-ins means by {account}", "whom a provider means by an account ({n})", _EVERY_SESSION
    ),
    "log_in_hours": PeoplesTable("for how many hours a log-in holds", "the hours of a log-in ({n})", _EVERY_SESSION),
    "log_in": PeoplesTable("the log-in {n} of {account}", "log-in {n}", _EVERY_SESSION),
    "log_in_ended": PeoplesTable("the end of log-in {log_in}", "the end of log-in {log_in}", _EVERY_SESSION),
}  # fmt: skip

OF_EVERY_SESSION = frozenset(table for table, held in PEOPLE.items() if held.of == _EVERY_SESSION)
"""What sessions rest on and none owns: elements, the coefficients issued for them, and who people are; held with each
session."""

# Nothing of these is said by an instrument, a person or a result: (table, column), or (table, "*") for all of it.
NO_PART: Mapping[tuple[str, str], str] = {
    ("alarm", "*"): "what the service noticed, for whoever looks after it; counted and forgotten",
    ("unreadable", "*"): "messages that are no readings: kept for the search for a fault, bounded, never attributed",
    ("told", "*"): "how far subscribers were told; a wrong number makes events come twice or not at all, no reading",
    ("notice_waiting", "*"): "how long a notice has waited; a wrong number makes a reminder come early or late",
    ("identity", "started_at"): "when the service began to serve the file",
    ("identity", "start"): "counts the starts of the service, for who was heard since",
    ("streams", "head"): "the highest seq heard of while the stream is open; once it ended it is sealed",
    ("streams", "last_heard"): "when its source last spoke, for people; nothing is decided by it",
    ("streams", "ready_epoch"): "what its source knew when it last spoke; it says so again before a session closes",
    ("streams", "older"): "how many earlier streams waited at its source when it last spoke",
    ("streams", "heard"): "the order in which streams were last heard",
    ("streams", "heard_start"): "in which start of the service it was last heard",
    ("streams", "heard_boot"): "in which boot of the machine it was last heard",
    ("streams", "heard_s"): "when in that boot; whether a source is silent",
    ("streams", "claims"): "whether ranges are looked for; held where it hides one",
    ("streams", "sealed"): "where its last seal is; when the next one is due",
    ("streams", "sealed_s"): "when its last seal was made; when the next one is due",
    ("identity", "backed_up_at"): "when the last copy was taken",
}
