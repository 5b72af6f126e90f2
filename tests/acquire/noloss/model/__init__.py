"""The no-loss protocol of docs/noloss.md as a model whose every state is visited.

One source with its spool, one store, and the worst broker there can be: `state` is what they hold, `source` and `store`
are the rules of sections 3 and 4, `steps` and `faults` what happens to them, `holds` the invariants of section 8.
`explore` goes through all of it breadth first; `scenarios` says how much of what may happen; `mutants` takes one rule
away at a time, and each must break an invariant. docs/noloss.md section 10 has the command and what was seen.

How it is kept small without leaving behaviour out: the store may take any entry ever appended, at any time, in any
order or never, which contains every loss, repetition and delay. An answer once given may come at any later time or
never; two that could still change something are under way at once. Timers, windows and turns only take behaviour away.
What the model does not have: full disks, gaps, entries that are too big and their originals (rules 3.8 to 3.10), two
live stores, damage to the numbers of an envelope.
"""
