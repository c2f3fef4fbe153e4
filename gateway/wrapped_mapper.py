"""A mapper that does as another does: for those that change or keep one thing of it."""

from collections.abc import Mapping

from schemas.record import Mapped, Mapper, SourceRecord


class WrappedMapper:
    """Bears the other's name, so that what it maps is told of as the other's."""

    def __init__(self, mapper: Mapper) -> None:
        self._mapper = mapper

    @property
    def name(self) -> str:
        return self._mapper.name

    @property
    def version(self) -> str:
        return self._mapper.version

    @property
    def digest(self) -> str:
        return self._mapper.digest

    def map_record(self, record: SourceRecord) -> Mapped:
        return self._mapper.map_record(record)

    def source_paths(self, record: SourceRecord) -> Mapping[str, str]:
        return self._mapper.source_paths(record)
