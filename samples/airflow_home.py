"""An Airflow of our own in a folder: everything it writes stays there, and nothing is read from the
account it runs under. For the demo, ``make serve`` and the tests."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def make_environment(home: Path, *, port: int = 8080) -> dict[str, str]:
    """The environment for an Airflow process whose gateway keeps its data in ``home``
    (``LRMS_HOME``) and whose own state is in ``home/airflow``. Set before Airflow is imported: it
    reads its settings then."""
    folder = home.resolve() / "airflow"
    settings = {
        "CORE__DAGS_FOLDER": ROOT / "dags",
        "CORE__LOAD_EXAMPLES": False,
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": max(2, os.cpu_count() or 2),
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        # It listens on every address otherwise.
        "API__HOST": "127.0.0.1",
        "API__PORT": port,
        "API__BASE_URL": f"http://127.0.0.1:{port}",
        "API__WORKERS": 1,
        "LOGGING__BASE_LOG_FOLDER": folder / "logs",
        "USAGE_DATA_COLLECTION__ENABLED": False,
        # The defaults of 3.3.2, written down because the loading relies on them: how long a task
        # may be silent before the scheduler gives it to another.
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 300,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": 10,
        "SCHEDULER__TASK_QUEUED_TIMEOUT": 600,
    }
    own = {f"AIRFLOW__{name}": str(value) for name, value in settings.items()}
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")
    }
    # "airflow standalone" starts its parts by the name "airflow".
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return (
        inherited
        | own
        | {
            "AIRFLOW_HOME": str(folder),
            "LRMS_HOME": str(home.resolve()),
            "PATH": path,
        }
    )
