"""A process in which several threads do something for the first time, all at once."""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from gateway.adapters.fhir_plain import PlainReader
from gateway.adapters.limits import Limits
from schemas.event import decode_event
from schemas.taxonomy.quick import is_surely_valid

THREADS = 8
PAYLOAD = (
    b'{"taxonomy_version":"5","event_type":"Incident","groups":{"LocationDetails":'
    b'{"LocationKnown":"y","Organisation":["RZA"]}},"event_date":"2026-11-01","narrative":"x"}'
)
RAW = (
    b'{"resourceType":"AdverseEvent","meta":{"profile":["https://test/StructureDefinition'
    b'/patient-safety-adverse-event-5"]},"actuality":"actual"}'
)
SAYS = {
    "event": lambda: decode_event(PAYLOAD),
    "quick check": lambda: is_surely_valid(PAYLOAD, "5"),
    "plain FHIR": lambda: PlainReader(Limits()).read(RAW),
}

if __name__ == "__main__":
    sys.setswitchinterval(1e-6)
    together = Barrier(THREADS)

    def use(_: int) -> object:
        together.wait()
        try:
            return SAYS[sys.argv[1]]()
        except ValueError:
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(use, range(THREADS)))
