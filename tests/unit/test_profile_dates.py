"""Dates and times as feeds write them, and what is no date or time in the profile's formats."""

from datetime import datetime

import pytest

from mappers.profile_date_readers import make_date_reader, make_time_reader
from mappers.profile_dates import NAMED_FORMATS, find_moment, has_day, has_time
from mappers.profile_values import Unreadable

_MOMENT = datetime(2026, 11, 3, 14, 5, 9)  # noqa: DTZ001 - UK time, as everywhere here


@pytest.mark.parametrize(
    ("formats", "text", "expected"),
    [
        (None, " 2026-11-03 ", "2026-11-03"),
        ("ISO", "2026-11-03", "2026-11-03"),
        ("%Y-%m-%d", "2026-11-03", "2026-11-03"),
        ("DD/MM/YYYY", "03/11/2026", "2026-11-03"),
        ("DD/MM/YYYY", "3/11/2026", "2026-11-03"),
        ("MM/DD/YYYY", "11/03/2026", "2026-11-03"),
        ("DD/MM/YYYY HH:MM", "03/11/2026 23:59", "2026-11-03"),
        ("DD/MM/YYYY HH:MM:SS", "03/11/2026 23:59:59", "2026-11-03"),
        ("DD/MM/YYYY hh:MM AM", "03/11/2026 11:59 pm", "2026-11-03"),
        ("DD-Mon-YYYY", "03-NOV-2026", "2026-11-03"),
        ("DD-Mon-YYYY HH:MM", "03-Nov-2026 14:05", "2026-11-03"),
        ("DD Mon YYYY", "3  Sept 2026", "2026-09-03"),
        ("%A, %d %B %Y", "Tuesday, 3 November 2026", "2026-11-03"),
        ("DD Month YYYY", "3 november 2026", "2026-11-03"),
        ("YYYYMMDD", "20261103", "2026-11-03"),
        ("YYYYMMDDHHMM", "202611031405", "2026-11-03"),
        ("ISO-datetime", "2026-11-03T14:05:09", "2026-11-03"),
        ("ISO-datetime", "2026-11-03 14:05:09.1234567", "2026-11-03"),
        # The day is the one in the United Kingdom.
        ("ISO-datetime", "2026-07-01T23:30:00Z", "2026-07-02"),
        ("ISO-datetime", "2026-12-01T23:30:00Z", "2026-12-01"),
        ("ISO-datetime", "2026-12-01T00:30:00+01:00", "2026-11-30"),
        ("ISO-datetime", "2026-12-01T00:30:00.000+0100", "2026-11-30"),
        ("%d/%m/%Y %H:%M %z", "01/07/2026 23:30 +0000", "2026-07-02"),
        (["DD/MM/YYYY HH:MM", "DD/MM/YYYY"], "03/11/2026", "2026-11-03"),
        (["DD/MM/YYYY HH:MM", "DD/MM/YYYY"], "03/11/2026 00:00", "2026-11-03"),
        # Both fit: the profile's order decides.
        (["DD/MM/YYYY", "MM/DD/YYYY"], "03/11/2026", "2026-11-03"),
        (["DD/MM/YYYY", "MM/DD/YYYY"], "11/23/2026", "2026-11-23"),
        ("%d.%m.%Y", "3.11.2026", "2026-11-03"),
        ("DD/MM/YYYY", "29/02/2024", "2024-02-29"),
        ("DD/MM/YYYY", " ", None),
        ("ISO", "", ""),
    ],
)
def test_dates(formats: str | list[str] | None, text: str, expected: str | None) -> None:
    assert make_date_reader(formats)(text) == expected


@pytest.mark.parametrize(
    ("formats", "text", "code", "accepted"),
    [
        (None, "03/11/2026", "MAP-053", "YYYY-MM-DD"),
        (None, "2026-1-3", "MAP-053", "YYYY-MM-DD"),
        (None, "26-11-03", "MAP-060", "YYYY-MM-DD"),
        ("DD/MM/YYYY", "03/11/26", "MAP-060", "DD/MM/YYYY"),
        ("DD/MM/YYYY", "31/11/26", "MAP-053", "DD/MM/YYYY"),
        ("DD/MM/YYYY", "31/02/2026", "MAP-053", "DD/MM/YYYY"),
        ("DD/MM/YYYY", "29/02/2026", "MAP-053", "DD/MM/YYYY"),
        ("DD/MM/YYYY", "11/23/2026", "MAP-053", "DD/MM/YYYY"),
        ("DD/MM/YYYY", "03/11/2026 14:05", "MAP-053", "DD/MM/YYYY"),
        ("DD/MM/YYYY", "03/11/0000", "MAP-053", "DD/MM/YYYY"),
        ("DD/MM/YYYY", "03/11/02026", "MAP-053", "DD/MM/YYYY"),
        ("%d/%m/%Y %H:%M", "3rd November", "MAP-053", "DD/MM/YYYY HH:MM"),
        ("DD-Mon-YYYY", "03-Nov-26", "MAP-060", "DD-Mon-YYYY"),
        ("DD-Mon-YYYY", "03-Now-2026", "MAP-053", "DD-Mon-YYYY"),
        ("DD Month YYYY", "3 Brumaire 2026", "MAP-053", "DD Month YYYY"),
        ("DD/MM/YYYY", "٠٣/١١/٢٠٢٦", "MAP-053", "DD/MM/YYYY"),
        ("DD/MM/YYYY hh:MM AM", "03/11/2026 00:05 am", "MAP-053", "DD/MM/YYYY hh:MM AM"),
        ("DD-Mon-YYYY", "03-Brumaire-2026", "MAP-053", "DD-Mon-YYYY"),
        ("YYYYMMDD", "2026113", "MAP-053", "YYYYMMDD"),
        ("YYYYMMDD", "202611 3", "MAP-053", "YYYYMMDD"),
        ("YYYYMMDD", "261103", "MAP-060", "YYYYMMDD"),
        ("ISO-datetime", "2026-11-03", "MAP-053", "YYYY-MM-DDTHH:MM:SS"),
        ("ISO-datetime", "20261103T140509", "MAP-053", "YYYY-MM-DDTHH:MM:SS"),
        ("ISO-datetime", "2026-W45-2T14:05", "MAP-053", "YYYY-MM-DDTHH:MM:SS"),
        # Before the first year there is none.
        ("ISO-datetime", "0001-01-01T00:30:00+01:00", "MAP-053", "YYYY-MM-DDTHH:MM:SS"),
        (["DD/MM/YYYY", "ISO"], "Tuesday", "MAP-053", "DD/MM/YYYY or YYYY-MM-DD"),
        ("DD/MM/YYYY", "today", "MAP-053", "DD/MM/YYYY"),
        ("DD/MM/YYYY", "0", "MAP-053", "DD/MM/YYYY"),
    ],
)
def test_what_is_no_date(
    formats: str | list[str] | None, text: str, code: str, accepted: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        make_date_reader(formats)(text)
    assert (caught.value.code.code, caught.value.accepted) == (code, accepted)


@pytest.mark.parametrize(
    ("formats", "text", "expected"),
    [
        (None, "02:40", "02:40:00"),
        (None, "02:40:09", "02:40:09"),
        ("HHMM", "0240", "02:40:00"),
        ("HH.MM", "2.40", "02:40:00"),
        ("hh:MM AM", "2:40 PM", "14:40:00"),
        ("hh:MM AM", "12:05 am", "00:05:00"),
        ("DD/MM/YYYY HH:MM", "03/11/2026 14:05", "14:05:00"),
        ("ISO-datetime", "2026-11-03T14:05:09.75", "14:05:09"),
        ("ISO-datetime", "2026-07-01T23:30:00Z", "00:30:00"),
        # The clock went from 01:00 to 02:00: what is written is kept.
        ("ISO-datetime", "2026-03-29T01:30:00", "01:30:00"),
        # It showed 01:30 twice: the second of them.
        ("ISO-datetime", "2026-10-25T01:30:00Z", "01:30:00"),
        # No time is said, so none is made up.
        (["DD/MM/YYYY HH:MM", "DD/MM/YYYY"], "03/11/2026", None),
        ("HHMM", " ", None),
    ],
)
def test_times(formats: str | list[str] | None, text: str, expected: str | None) -> None:
    assert make_time_reader(formats)(text) == expected


@pytest.mark.parametrize(
    ("formats", "text", "code"),
    [
        (None, "24:00", "MAP-054"),
        (None, "2.40pm", "MAP-054"),
        ("HHMM", "240", "MAP-054"),
        ("HHMM", "2560", "MAP-054"),
        ("hh:MM AM", "14:40 PM", "MAP-054"),
        ("DD/MM/YYYY HH:MM", "03/11/26 14:05", "MAP-060"),
    ],
)
def test_what_is_no_time(formats: str | None, text: str, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        make_time_reader(formats)(text)
    assert caught.value.code.code == code


@pytest.mark.parametrize("name", NAMED_FORMATS)
def test_every_named_format_reads_what_it_writes(name: str) -> None:
    text = _MOMENT.strftime(NAMED_FORMATS[name].replace("%z", ""))
    found = find_moment(text, name)
    assert found is not None
    if has_day(name):
        assert found.date() == _MOMENT.date()
    if has_time(name):
        assert found.time().replace(second=9) == _MOMENT.time()
    assert has_day(name) or has_time(name)
    assert find_moment("neither", name) is None
    assert "%y" not in NAMED_FORMATS[name]


def test_a_format_nobody_knows_fits_nothing() -> None:
    for unknown in ("DD/MM/YY", "%Q", "%", "("):
        assert find_moment("03/11/2026", unknown) is None
