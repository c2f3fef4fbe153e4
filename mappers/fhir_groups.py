"""FHIR extensions → the groups of the national event."""

from typing import Any

from mappers.fhir_elements import ElementReader, Trace
from mappers.fhir_notes import Notes, named
from mappers.fhir_tables import Group, Version, find_segment
from schemas.catalogue import mapping
from schemas.event import PATIENTS, Groups
from schemas.event import Group as Content


class GroupReader:
    """Collects the groups of one event; :meth:`finish` puts them into canonical order."""

    __slots__ = ("_elements", "_notes", "_table", "groups")

    def __init__(self, table: Version, notes: Notes, trace: Trace | None) -> None:
        """``trace`` collects where each value came from, if given."""
        self._table = table
        self._notes = notes
        self._elements = ElementReader(table, notes, trace)
        self.groups = self._elements.groups

    def read_extensions(self, extensions: object, resource: str, at: str) -> None:
        """Reads the groups in the ``extension`` list of a resource; ``at`` is its pointer."""
        if type(extensions) is not list:
            self._notes.add_structure("extension", "a list of objects", at)
            return
        groups = self._table.groups
        for position, extension in enumerate(extensions):
            pointer = f"{at}/{position}"
            try:
                url, elements = extension["url"], extension["extension"]
                group = groups.get(url) or groups.get(url.rpartition("/")[2])
            except (KeyError, TypeError, AttributeError):
                self._read_odd_extension(extension, pointer)
                continue
            if group is None:
                group = self._find_group(url, pointer)
                if group is None:
                    continue
            if len(extension) != 2:
                self._notes.add_unknown(extension, ("url", "extension"), "element", pointer)
            if group.resource != resource:
                self._notes.add(
                    mapping.MISPLACED_GROUP,
                    group.name,
                    pointer,
                    group=group.name,
                    resource=group.resource,
                    found=named(resource),
                )
            self._read_group(group, elements, pointer)

    def finish(self) -> Groups:
        """The groups in canonical form: code lists sorted without repeats, patients in order."""
        self._elements.finish()
        patients = self.groups.get(PATIENTS)
        if type(patients) is list and len(patients) > 1:
            order = sorted(range(len(patients)), key=lambda place: _sequence_of(patients[place]))
            self.groups[PATIENTS] = [patients[place] for place in order]
            if self._notes.findings:
                self._notes.renumber(PATIENTS, order)
        return self.groups

    def take_text(self, group: str, element: str) -> str | None:
        """Takes an element out of a group that occurs once, and the group if that empties it."""
        content = self.groups.get(group)
        if type(content) is not dict:
            return None
        value = content.pop(element, None)
        if not content:
            del self.groups[group]
        return value if type(value) is str else None

    def _read_group(self, group: Group, elements: object, at: str) -> None:
        name = group.name
        content: Content = {}
        if group.repeats:
            repeats: Any = self.groups.get(name, [])
            self._elements.read(group, elements, content, f"{name}[{len(repeats)}]", at)
            if content:
                repeats.append(content)
                self.groups[name] = repeats
            return
        if name in self.groups:
            content = self._elements.open_group(name)
            if name in self._elements.moved:
                self._elements.moved.remove(name)
            else:
                self._notes.add(mapping.REPEATED_GROUP, name, at, group=name)
        self._elements.read(group, elements, content, name, at)
        if content:
            self.groups[name] = content

    def _read_odd_extension(self, extension: object, at: str) -> None:
        """An extension that is not an object with an address and a list of elements."""
        if type(extension) is not dict or type(url := extension.get("url")) is not str:
            self._notes.add_structure("extension", "an object with a url", at)
            return
        group = self._find_group(url, at)
        if group is not None:
            self._notes.add_unknown(extension, ("url",), "element", at)
            self._notes.add_loose(mapping.NO_VALUE, group.name, at, element=group.name)

    def _find_group(self, url: str, at: str) -> Group | None:
        """The group of an address that is not in the table as it stands."""
        segment = find_segment(url)
        group = self._table.groups.get(segment)
        if group is not None:
            return group
        group = self._table.others.get(segment)
        code = mapping.GROUP_OF_OTHER_VERSION if group else mapping.UNKNOWN_GROUP
        name, version = group.name if group else "", self._table.version
        self._notes.add_loose(code, name, at, group=named(segment), version=version)
        return group


def _sequence_of(patient: Any) -> float:
    sequence = patient.get("PatientSequence")
    return sequence if type(sequence) is int else float("inf")
