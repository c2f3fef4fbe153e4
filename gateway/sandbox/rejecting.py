"""Records that are to be rejected: judged as if they were dated far in the future, so that all else
is as it would be for any other rejected record."""

from typing import Final

import msgspec

from gateway.sandbox.wishes import find_wish
from gateway.wrapped_mapper import WrappedMapper
from schemas.record import Mapped, Mapper, SourceRecord
from schemas.sandbox import is_sandbox_source
from schemas.submission import Source

FAR_DATE: Final = "2099-12-31"


class RejectingMapper(WrappedMapper):
    """Maps as ``mapper`` does. ``all_records``: not only those whose id asks for it."""

    def __init__(self, mapper: Mapper, *, all_records: bool = False) -> None:
        super().__init__(mapper)
        self._all_records = all_records

    def map_record(self, record: SourceRecord) -> Mapped:
        mapped = super().map_record(record)
        if mapped.event is None or not (self._all_records or _is_asked_for(mapped)):
            return mapped
        event = msgspec.structs.replace(mapped.event, event_date=FAR_DATE)
        return msgspec.structs.replace(mapped, event=event)


def reject_as_asked(mapper: Mapper, source: Source, *, in_sandbox: bool) -> Mapper:
    """For the records of feeds. Outside of a sandbox the mapper as it is."""
    if in_sandbox and is_sandbox_source(source.id):
        return RejectingMapper(mapper)
    return mapper


def _is_asked_for(mapped: Mapped) -> bool:
    wish = find_wish(mapped.local_id)
    # Whether a record of a feed came before is not for a mapper to know.
    return wish is not None and wish.answer == "reject" and not wish.once
