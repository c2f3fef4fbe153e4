"""How we log: text, or a JSON object a line, with the ids of what is being done as fields. Ids,
counts and codes only: no content of an event, and no text of an error that is not ours."""

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from gateway.monitoring.spans import ABOUT, find_trace_id
from gateway.pipeline.fault import word_fault

_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
_TEXT: Final = "%(levelname)s:%(name)s:%(message)s"


class JsonFormatter(logging.Formatter):
    """``{"time", "level", "logger", "message", "batch", "source", …}``; of an exception its kind
    and place, as its text may quote an event."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str | int] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **ABOUT.get(),
        }
        if trace_id := find_trace_id():
            line["trace"] = trace_id
        if record.exc_info and isinstance(record.exc_info[1], Exception):
            line["error"] = word_fault(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def set_up_logging(environment: Mapping[str, str] = os.environ) -> None:
    """To standard error, by LRMS_LOG and LRMS_LOG_LEVEL. Before the settings are read, so that
    what is wrong with them is told; a value that is none is taken for the default, and told then.
    Called again, it changes nothing."""
    handler = logging.StreamHandler(sys.stderr)
    is_json = environment.get("LRMS_LOG") == "json"
    handler.setFormatter(JsonFormatter() if is_json else logging.Formatter(_TEXT))
    level = environment.get("LRMS_LOG_LEVEL", "")
    logging.basicConfig(level=level if level in _LEVELS else "WARNING", handlers=[handler])
