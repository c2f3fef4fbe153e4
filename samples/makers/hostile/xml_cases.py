"""Hostile XML, of a vendor's and of FHIR."""

from collections.abc import Iterator
from typing import Literal

from samples.makers.hostile.case import Case, Hostile, Must, must
from samples.makers.hostile.sound import IDS, NARRATIVE, make_incident, make_xml

ALL = must("accepted", 3, 0)
_SOUND = make_xml()
_POUND = "He paid £5 for the café’s soup and slipped on it."


def _case(
    name: str,
    feed: bytes | str,
    why: str,
    outcome: Must,
    *,
    on_break: Literal["wait", "load"] = "wait",
    **limits: int,
) -> Hostile:
    content = feed.encode() if isinstance(feed, str) else feed
    case = Case(why=why, format="xml", must=outcome, limits=limits, on_break=on_break)
    return Hostile(f"xml-{name}", "xml", content, case)


def make_cases() -> Iterator[Hostile]:
    yield from _make_encodings()
    yield from _make_names()
    yield from _make_breaks()
    yield from _make_attacks()
    yield from _make_limits()


def _make_encodings() -> Iterator[Hostile]:
    text = make_xml(*(make_incident(one, _POUND) for one in IDS), head="")
    declared = '<?xml version="1.0" encoding="{}"?>\n'
    yield _case("utf-16", text.encode("utf-16"), "UTF-16 with a byte order mark", ALL)
    feed = (declared.format("windows-1252") + text).encode("cp1252")
    yield _case("windows-1252", feed, "Windows-1252, as it declares", ALL)
    yield _case(
        "lying-declaration",
        (declared.format("UTF-8") + text).encode("cp1252"),
        "declares UTF-8 and is Windows-1252: each record with such bytes is refused",
        must("rejected", 3, 3, "READ-056"),
    )
    yield _case(
        "declared-utf-16",
        declared.format("UTF-16") + make_xml(head=""),
        "declares UTF-16 and is ASCII",
        must("accepted", 3, 0, "READ-057"),
    )
    yield _case(
        "unknown-encoding",
        declared.format("x-klingon") + make_xml(head=""),
        "declares an encoding that nobody has",
        must("rejected", 0, 0, "READ-051"),
    )


def _make_names() -> Iterator[Hostile]:
    prefixed = _SOUND.replace("<", "<v:").replace("<v:/", "</v:").replace("<v:?", "<?")
    yield _case("prefixed", prefixed.replace("xmlns=", "xmlns:v="), "names with a prefix", ALL)
    yield _case(
        "other-namespace",
        _SOUND.replace("incidents:1", "incidents:2"),
        "the namespace of another version",
        must("rejected", 0, 0, "READ-054"),
    )
    cdata = make_xml(*(make_incident(one, f"<![CDATA[{NARRATIVE} <b> & ]]>") for one in IDS))
    yield _case("cdata", cdata, "a narrative in CDATA, with < and & in it", ALL)
    noisy = _SOUND.replace("<narrative>", "<!-- <narrative> --><?pi x?><narrative>")
    yield _case("comments", noisy, "comments and processing instructions everywhere", ALL)
    yield _case(
        "unknown-elements",
        _SOUND.replace("<eventDate>", '<q xmlns="urn:other" r="1">x</q><eventDate>', 1),
        "elements of another namespace inside a record",
        must("accepted", 3, 0, "MAP-001"),
    )


def _make_breaks() -> Iterator[Hostile]:
    cut = _SOUND[:-300]
    yield _case(
        "cut-off",
        cut,
        "the file ends in the middle of its third record: it waits for a decision",
        must("held", 2, 0, "READ-051"),
    )
    yield _case(
        "cut-off-loaded",
        cut,
        "the same from a source that is registered with --on-break load",
        must("partly_accepted", 2, 0, "READ-051"),
        on_break="load",
    )
    yield _case(
        "wrong-end-tag",
        _SOUND.replace("</incident>", "</incedent>", 2).replace("</incedent>", "</incident>", 1),
        "an end tag that does not fit, in the second record",
        must("held", 1, 0, "READ-051"),
    )
    yield _case("ampersand", _SOUND.replace("wet", "wet & cold", 1), "a bare & in the first record",
                must("rejected", 0, 0, "READ-051"))  # fmt: skip
    yield _case(
        "two-documents",
        _SOUND + make_xml(head=""),
        "two documents, one behind the other",
        must("held", 3, 0, "READ-051"),
    )
    yield _case(
        "not-xml", "record_id;date\n1;2\n", "a CSV", must("rejected", 0, 0, "READ-051")
    )  # fmt: skip


def _make_attacks() -> Iterator[Hostile]:
    refused = must("rejected", 0, 0, "READ-050")
    bomb = '<!DOCTYPE incidents [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    yield _case(
        "entity-bomb",
        make_xml(make_incident("H-1", "&i;"), head=f"{bomb}]>\n"),
        "entities that grow tenfold eight times (a billion laughs)",
        refused,
    )
    outside = '<!DOCTYPE incidents [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n'
    yield _case(
        "external-entity",
        make_xml(make_incident("H-1", "&x;"), head=outside),
        "an entity that would read a file of ours",
        refused,
    )
    dtd = '<!DOCTYPE incidents SYSTEM "http://127.0.0.1:9/incidents.dtd">\n'
    yield _case("external-dtd", make_xml(head=dtd), "a DTD that would be fetched", refused)
    many = "".join(f' a{number}="1"' for number in range(3_000))
    yield _case(
        "many-attributes",
        _SOUND.replace("<eventDate>", f"<eventDate{many}>", 1),
        "3,000 attributes on one element",
        must("partly_accepted", 3, 1, "READ-071"),
    )


def _make_limits() -> Iterator[Hostile]:
    deep = "<d>" * 200 + "</d>" * 200
    yield _case(
        "deep",
        _SOUND.replace("<eventDate>", f"{deep}<eventDate>", 1),
        "a record nested 200 levels deep",
        must("partly_accepted", 3, 1, "READ-004"),
    )
    deeper = "<d>" * 5_000 + "</d>" * 5_000
    yield _case(
        "deeper-than-the-parser",
        make_xml(*map(make_incident, IDS[:2]), make_incident("H-3", deeper)),
        "a record nested 5,000 levels deep, deeper than a parser takes: it costs itself only",
        must("partly_accepted", 3, 1, "READ-058"),
    )
    yield _case(
        "long-text",
        _SOUND.replace("slipped", "slipped " * 300, 1),
        "a text longer than a text may be",
        must("partly_accepted", 3, 1, "READ-070"),
        max_text_chars=1_000,
    )
    yield _case(
        "long-record",
        _SOUND.replace("slipped", "slipped " * 300, 1),
        "a record longer than a record may be",
        must("partly_accepted", 3, 1, "READ-055"),
        max_record_bytes=1_000,
    )
