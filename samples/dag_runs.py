"""Real DAG runs in this process, without a scheduler: what ``airflow dags test`` does, as a
function. Set the environment (``airflow_home``) before the first call."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any


def open_dags() -> dict[str, Any]:
    """The DAGs by id, ready to run: Airflow's tables are there. RuntimeError where a file cannot be
    imported."""
    # Airflow reads its settings when it is imported, and takes two seconds to.
    from airflow.dag_processing.dagbag import BundleDagBag  # noqa: PLC0415
    from airflow.utils.db import initdb  # noqa: PLC0415

    initdb()
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    if bag.import_errors:
        raise RuntimeError(f"DAGs that cannot be imported: {', '.join(bag.import_errors)}")
    return dict(bag.dags)


def run_dag(
    dag: Any, conf: dict[str, Any] | None = None, at: datetime | None = None
) -> dict[str, Any]:
    """Runs it once to its end, with these parameters, as if it were ``at``; ``{"state": …,
    "tasks": [[id, map index, state, tries], …]}``."""
    # Airflow 3.3.2 cannot test a DAG that has a deadline (2026-11-28): it looks it up by an id that
    # it gives only when the DAG file is processed. Without a scheduler none would be missed.
    dag.deadline = None
    run = dag.test(run_conf=conf, **({"logical_date": at} if at else {}))
    tasks = [
        [one.task_id, one.map_index, str(one.state), one.try_number]
        for one in run.get_task_instances()
    ]
    return {"state": str(run.state), "tasks": sorted(tasks)}
