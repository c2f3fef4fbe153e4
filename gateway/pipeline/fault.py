"""A fault of our own code, told without its text: that may quote the event."""

import traceback
from pathlib import Path


def word_fault(error: Exception) -> str:
    """The kind of the error and where in the code it was raised."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
