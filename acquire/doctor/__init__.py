"""Whether an installation is well: what is wrong, where, and how to mend it, looked at beside a running service.

Facts are gathered in `looking`, which disturbs nobody, and judged in `judging`, which is pure. `checks` is the list of
both together. docs/doctor.md says what is looked at.
"""
