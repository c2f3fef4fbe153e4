"""For Airflow's ``core.hostname_callable``: several workers on one machine under names of their
own."""

import os


def read_worker_name() -> str:
    return os.environ.get("WORKER_NAME", "scheduler")
