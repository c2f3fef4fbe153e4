"""A fault of our own code, told without a value: the kind of its error, and the places in the code
it came through. Equal faults have the same id, so that all that one fault cost is found by it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb
from types import CodeType
from typing import Final

import msgspec

from schemas.errors import GatewayError

_ROOT: Final = Path(__file__).resolve().parents[1]
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
# Memory or files ran out.
_OF_MACHINE: Final = (MemoryError, OSError)
# However deep: of a recursion each place once.
_MOST_PLACES: Final = 40
_MOST_CAUSES: Final = 4


class Fault(msgspec.Struct, frozen=True):
    """``id`` as ``f-7k2m9qxb4t``; ``kind``: the type of the error (of one of ours also its words,
    which never hold a value); ``trace``: the errors, the first one first, each with the places it
    came through, as ``gateway/pipeline/judge.py:54 judge``."""

    id: str
    kind: str
    trace: tuple[str, ...]


def is_of_a_record(error: Exception) -> bool:
    """Whether it may be the fault of ours over one record: not what another try may cure, nor the
    machine's."""
    return not (getattr(error, "retryable", False) or isinstance(error, _OF_MACHINE))


def find_fault(error: BaseException) -> Fault:
    """Looks at no text of the error but our own, and at no value."""
    kind = _word_kind(error)
    trace = tuple(line for one in reversed(_list_errors(error)) for line in _trace(one))
    digest = hashlib.sha256("\n".join((kind, *trace)).encode()).digest()
    number = int.from_bytes(digest[:8], "big")
    name = "".join(_ALPHABET[number >> shift & 31] for shift in range(45, -5, -5))
    return Fault(f"f-{name}", kind, trace)


def _word_kind(error: BaseException) -> str:
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, GatewayError) else name


def _list_errors(error: BaseException) -> list[BaseException]:
    """The error and those it was raised over, also where they are cut off from what is shown."""
    found = [error]
    while len(found) < _MOST_CAUSES and (before := error.__cause__ or error.__context__):
        found.append(before)
        error = before
    return found


def _trace(error: BaseException) -> Iterator[str]:
    yield type(error).__name__
    places = [_word_place(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
    yield from list(dict.fromkeys(places))[-_MOST_PLACES:]


def _word_place(code: CodeType, line: int) -> str:
    path = Path(code.co_filename)
    is_ours = path.is_relative_to(_ROOT) and "site-packages" not in path.parts
    shown = path.relative_to(_ROOT) if is_ours else Path(*path.parts[-2:])
    return f"{shown.as_posix()}:{line} {code.co_name}"
