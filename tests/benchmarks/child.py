"""One piece of work in a process of its own: reads a Job from standard input, writes what was
measured to standard output. Only what the work needs is imported, so that no other package's
memory is counted."""

import importlib
import logging
import sys

import msgspec

from tests.benchmarks.measuring import Job

# The module and function of each work.
WORKS = {
    "generate": ("stages", "measure_generate"),
    "read": ("stages", "measure_read"),
    "map": ("stages", "measure_map"),
    "validate": ("stages", "measure_validate"),
    "receive": ("line", "measure_receive"),
    "plan": ("line", "measure_plan"),
    "load": ("line", "measure_load"),
    "line": ("line", "measure_line"),
    "ingest": ("line", "measure_more"),
    "obvious": ("baseline_obvious", "measure"),
    "bare": ("baseline_bare", "measure"),
    "dlt": ("baseline_dlt", "measure"),
    "dlt-wide": ("baseline_dlt", "measure_wide"),
    "dlt-adbc": ("baseline_dlt", "measure_adbc"),
    "read-map": ("reading", "measure"),
    "barest": ("reading", "measure_barest"),
}

if __name__ == "__main__":
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    logging.disable(logging.INFO)
    module, function = WORKS[job.name]
    measure = getattr(importlib.import_module(f"tests.benchmarks.{module}"), function)
    sys.stdout.buffer.write(msgspec.json.encode(measure(job)))
