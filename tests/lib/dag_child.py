"""A child process that runs DAGs: ``python -m tests.lib.dag_child RESULTS STEP …``, the environment
set by its parent. A step is a DAG id (behind an @ when it is run, behind a blank its parameters, as
JSON), or NAME=VALUE to change the environment before the next.

Retries come at once; nothing else is changed.
"""

import json
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path("samples").resolve()))

from dag_runs import open_dags, run_dag


def describe(dag):
    tasks = {
        task.task_id: {
            "retries": task.retries,
            "timeout": task.execution_timeout.total_seconds(),
            "policy": type(task.retry_policy).__name__,
        }
        for task in dag.tasks
    }
    return {
        "file": Path(dag.fileloc).name,
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "tasks": tasks,
        "schedule": describe_schedule(dag.timetable),
        "outlets": sorted(asset.uri for task in dag.tasks for asset in task.outlets),
    }


def describe_schedule(timetable):
    found = {}
    condition = getattr(timetable, "asset_condition", None)
    if condition is not None:
        found["assets"] = [condition.uri]
        timetable = timetable.timetable
    # By hand, where there is none.
    found["cron"] = getattr(timetable, "expression", None)
    return found


def _run(dag, conf, instant):
    return run_dag(
        dag,
        json.loads(conf) if conf else None,
        datetime.fromisoformat(instant) if instant else None,
    )


def main():
    results = {"runs": []}
    dags = open_dags()
    results["dags"] = {name: describe(dag) for name, dag in dags.items()}
    for word in sys.argv[2:]:
        step, _, conf = word.partition(" ")
        step, _, instant = step.partition("@")
        name, equals, value = step.partition("=")
        if equals:
            os.environ[name] = value
            continue
        for task in dags[step].tasks:
            task.retry_delay = timedelta(0)
        results["runs"].append(_run(dags[step], conf, instant))
    Path(sys.argv[1]).write_text(json.dumps(results))


if __name__ == "__main__":
    main()
