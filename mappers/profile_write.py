"""A national event → the CSV row, or rows, of a profile: the inverse of reading, so that an event
written and read again is equal.

It writes what it is given, right or wrong (the generator makes faulty feeds with it), leaves out
what ``mappers.profile_inverse`` does not turn round, and refuses what a cell cannot carry.
"""

import io
from csv import writer

from mappers.profile_inverse import choose_fields, find_values, invert, write_heads
from mappers.profile_model import PLACE, Profile
from schemas.event import NationalEvent


def csv_header(profile: Profile, *, patients: int, medications: int = 0) -> list[str]:
    """Every column of the profile, the numbered ones up to so many patients and medications."""
    columns = [rule.field for rule in profile.heads.values()] + list(profile.elements)
    for group, times in ((profile.patients, patients), (profile.medications, medications)):
        if group is None:
            continue
        numbers = range(1, 2 if group.rows else times + 1)
        columns += [field.replace(PLACE, str(n)) for n in numbers for field in group.elements]
    return list(dict.fromkeys(columns))


def write_row(event: NationalEvent, local_id: str | None, profile: Profile) -> dict[str, str]:
    """Column → cell text, of a profile with one row a record; empty cells are left out."""
    (row,) = write_rows(event, local_id, profile)
    return row


def write_rows(
    event: NationalEvent, local_id: str | None, profile: Profile
) -> list[dict[str, str]]:
    """The same of a record that may have several rows: row i has patient i and medication i, and
    each has the columns of the record as a whole. ValueError where nothing holds them together."""
    record = dict(write_heads(event, local_id, profile))
    taken = set(record)
    record |= {
        way.field: way.write_cell(value) for way, value in find_values(event, profile, taken)
    }
    rows: list[dict[str, str]] = [{}]
    for name, fields in invert(profile).repeated.items():
        by_row = profile.repeated[name].rows
        for number, one in enumerate(event.repeats(name) if fields else (), start=1):
            if by_row and len(rows) < number:
                rows.append({})
            target = rows[number - 1] if by_row else record
            for way, value in choose_fields(fields, one, set()):
                target[way.field.replace(PLACE, str(number))] = way.write_cell(value)
    if len(rows) > 1 and (profile.rows is None or profile.rows.id not in record):
        raise ValueError("several rows, and no id that tells that they belong together")
    return [record | row for row in rows]


def write_line(row: dict[str, str], header: list[str], delimiter: str = ",") -> str:
    """A row as one CSV record; ValueError where it has a cell for which there is no column."""
    if missing := row.keys() - set(header):
        raise ValueError(f"no column {min(missing)} in the header")
    text = io.StringIO(newline="")
    writer(text, delimiter=delimiter).writerow([row.get(column, "") for column in header])
    return text.getvalue()
