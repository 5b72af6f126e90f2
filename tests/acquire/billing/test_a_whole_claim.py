"""A claim from a signed record and tables of its day: nothing is missing, and it is still only a proposal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from people_known import everybody
from signable import ready, whole

from acquire.billing import judge, proposal
from acquire.record.billing_facts import claim_of
from acquire.record.billing_tables import add_table, withdraw_table

HEADING = (
    "HCPCS/CPT Code,{},MUE Adjudication Indicator,MUE Rationale\n77331,3,2 Date of Service Edit: Policy,invented\n"
)
PAYER = """schema = "payer-table/1"
payer = "Payer X"
valid_from = 2020-01-01
valid_until = 2099-12-31
limit = [{ code = "77331", units = 6, per = "course", firm = false, source = "policy 4" }]
"""


def tables(connection) -> list[int]:
    today = datetime.now(UTC).date()
    days = today - timedelta(days=2), today + timedelta(days=2)
    added = []
    for values in ("Practitioner Services MUE Values", "Outpatient Hospital Services MUE Values"):
        added.append(add_table(connection, "mue.csv", HEADING.format(values).encode(), "AD-1", days)[0])
    return [*added, add_table(connection, "payer.toml", PAYER.encode(), "AD-1", None)[0]]


async def test_a_signed_record_with_tables_of_its_day_is_ready_for_the_coder(connection):
    session = await ready(connection)
    with everybody():
        whole(connection, session)
        numbers = tables(connection)
        claim = claim_of(connection, session)
        judged = judge(claim)
        missing = {j.rule.id: j.finding.says for j in judged if j.finding.status == "missing"}
        charge = proposal(claim, judged)
        assert missing == {}
        assert (charge["ready"], charge["status"]) == (True, "proposal, not submitted")
        assert (charge["units"], charge["modifier"]) == (1, "26")
        withdraw_table(connection, numbers[0], "AD-1", "of another quarter")
        (left,) = [j.finding.says for j in judge(claim_of(connection, session)) if j.finding.status == "missing"]
        assert left.startswith("Unknown: no MUE table of practitioners holds on ")
