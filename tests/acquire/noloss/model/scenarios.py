"""How much of what may happen: the whole exploration, and a quick one for every run of the tests."""

from __future__ import annotations

from model.rules import scenario

TRANSPORT = (
    scenario("two workers, three streams", "BrE", {"source crash": 2, "store start": 2}, streams=3, workers=2),
    scenario("two workers, four entries", "BrEr", {"source crash": 1, "store start": 1}, workers=2),
    scenario("refused reading", "BrrE", {"source crash": 2, "link lost": 1}, poison=1),
    scenario("refused end marker", "BrEr", {"source crash": 1, "link lost": 1}, streams=3, poison=2),
)
COPIES = (
    scenario("store restored twice", "r", {"source crash": 1, "backup": 2, "restore": 2}, streams=1, days=True),
    scenario("store restored, two streams", "Br", {"source crash": 1, "backup": 1, "restore": 1}, days=True),
    scenario("store restored, three entries", "BrE", {"backup": 1, "restore": 1}, streams=1, days=True),
    scenario(
        "store restored from too old a backup", "BEr", {"backup": 1, "restore": 1}, streams=1, days=True, too_old=True
    ),
    scenario("store put back by hand", "Br", {"source crash": 1, "backup": 1, "restore": 1}, days=True, by_hand=True),
    scenario("spool put back", "Brr", {"source crash": 1, "spool copy": 1, "spool restore": 1}, streams=3),
    scenario(
        "spool put back, closing",
        "rr",
        {"spool copy": 1, "spool restore": 1, "store start": 1, "link lost": 1},
        streams=3,
    ),
    scenario(
        "spool put back, store restored",
        "Br",
        {"spool copy": 1, "spool restore": 1, "restore": 1},
        streams=3,
        days=True,
    ),
    scenario("spool lost, store restored", "Br", {"spool lost": 1, "backup": 1, "restore": 1}, streams=3, days=True),
    scenario("declared ended, and back", "BrE", {"declared": 1, "source crash": 1}, days=True),
)
DAMAGE = (
    scenario("flipped bits in the spool", "BrE", {"flipped bit": 2}),
    scenario("flipped bit, store restored", "Br", {"flipped bit": 1, "backup": 1, "restore": 1}, streams=1, days=True),
    scenario("damaged on the way", "BrE", {"source crash": 1}, days=True, way_damages=True),
    scenario("damaged on the way and in the spool", "BrE", {"source crash": 1, "flipped bit": 1}, way_damages=True),
    scenario("spool file damaged", "BrE", {"damaged file": 1, "source crash": 1}, streams=3),
    scenario("spool file damaged, store restored", "Br", {"damaged file": 1, "restore": 1}, days=True),
    scenario("spool file damaged, closing", "rr", {"damaged file": 1, "store start": 1, "link lost": 1}, streams=3),
    scenario("spool file damaged, declared ended", "Brr", {"damaged file": 1, "declared": 1}, streams=3),
)
BATCHES = (
    scenario("batches of two instruments", "BrqE", {"source crash": 1}, streams=3, batches=True),
    scenario("batches damaged on the way", "rqr", batches=True, way_damages=True),
    scenario("batches, store restored", "rq", {"backup": 1, "restore": 1}, batches=True),
    scenario("batches, store put back by hand", "rq", {"restore": 1}, batches=True, by_hand=True),
    scenario("batches, an intruder", "rqr", {"intruder": 2, "store start": 1}, batches=True),
    scenario(
        "batches that the broker drops", "rqr", {"source crash": 1}, streams=3, batches=True, batches_dropped=True
    ),
)
CLOSING = (
    scenario("clock steps, store starts", "rrr", {"clock step": 2, "store start": 1, "link lost": 2}, streams=3),
    scenario("clock steps, store restored", "rr", {"clock step": 2, "link lost": 1, "restore": 1}, days=True),
)
SCENARIOS = (*TRANSPORT, *COPIES, *DAMAGE, *BATCHES, *CLOSING)
QUICK = (
    scenario("two workers", "BrE", {"store start": 1}, workers=2),
    scenario("refused end marker", "BrEr", poison=2),
    scenario("store restored", "r", {"backup": 1, "restore": 1}, streams=1, days=True),
    scenario("spool put back", "Br", {"spool copy": 1, "spool restore": 1}),
    scenario("flipped bit", "BrE", {"flipped bit": 1}, way_damages=True),
    scenario("spool file damaged", "Br", {"damaged file": 1}),
    scenario("batches of two instruments", "rqr", {"intruder": 1}, batches=True),
    scenario("clock steps", "rr", {"clock step": 2, "store start": 1, "link lost": 1}),
)
