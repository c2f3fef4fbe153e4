"""gzip and zip: what comes out, and what is said where something is wrong."""

import bz2
import io
import lzma
import struct
import zipfile

import pytest

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.packing import find_nested, find_packing
from schemas.catalogue import word_message
from tests.lib.packed_feeds import make_gzip, make_zip, unpack_all

TEXT = b"".join(b"%d,a row of the feed\n" % number for number in range(5_000))
FILES = [("march.csv", TEXT), ("april.csv", TEXT[:100]), ("empty.csv", b"")]


def codes(findings):
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("content", "packing"),
    [
        (make_gzip(TEXT), "gzip"),
        (make_zip(FILES), "zip"),
        (make_zip([]), "zip"),
        (TEXT, None),
        (b"", None),
        (b"PK,a column named PK\n", None),
        (b"BZh9,a column with an odd name\n", None),
        ("id;day\n".encode("utf-16"), None),
    ],
)
def test_a_packing_is_told_by_the_first_bytes(content, packing):
    stream = io.BytesIO(content)
    assert find_packing(stream) == packing
    assert stream.tell() == 0


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (bz2.compress(TEXT), "bzip2"),
        (bz2.compress(b""), "bzip2"),
        (lzma.compress(TEXT), "xz"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "7z"),
        (b"Rar!\x1a\x07\1\0", "rar"),
        (b"\x28\xb5\x2f\xfd\4\0", "zstd"),
        (b"feed.csv".ljust(257, b"\0") + b"ustar\0" + bytes(249), "tar"),
    ],
)
def test_another_packing_is_refused_by_its_name(content, name):
    with pytest.raises(BrokenFeed) as refused:
        find_packing(io.BytesIO(content))
    assert codes([refused.value.finding]) == ["PACK-001"]
    assert f"packed as {name}," in word_message(refused.value.finding)
    assert find_nested(io.BytesIO(content)) == name


def test_a_workbook_is_no_packed_feed():
    workbook = make_zip([("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<w/>")])
    assert codes(unpack_all(workbook)[1]) == ["PACK-010"]
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    with pytest.raises(BrokenFeed) as refused:
        find_packing(io.BytesIO(old))
    assert refused.value.finding.code == "PACK-010"


# gzip


@pytest.mark.parametrize(
    "packed",
    [
        make_gzip(TEXT),
        make_gzip(TEXT[:1000], TEXT[1000:]),
        make_gzip(*[TEXT[at : at + 1000] for at in range(0, len(TEXT), 1000)]),
        make_gzip(b"", TEXT, b"", b""),
        make_gzip(TEXT) + bytes(512),
    ],
    ids=["one", "two", "many", "with empty ones", "filled up with zeros"],
)
def test_a_sound_gzip_comes_out_whole(packed):
    assert unpack_all(packed) == ([("", TEXT)], [])


def test_a_gzip_cut_off_anywhere_gives_what_came_before():
    packed = make_gzip(TEXT)
    for size in range(20, len(packed), 97):
        ((_, content),), findings = unpack_all(packed[:size])
        assert TEXT.startswith(content), size
        assert codes(findings) == ["PACK-002"]
        assert f"at byte {size} of the packed feed" in word_message(findings[0])
    assert len(content) > len(TEXT) * 0.9


def test_of_a_gzip_damaged_anywhere_nothing_is_read():
    """What comes out of it before the damage shows may be wrong already."""
    noise = bytes(byte * 167 % 251 for byte in range(40_000))
    packed = make_gzip(TEXT, noise)
    for place in range(30, len(packed) - 4, 1_501):
        damaged = bytearray(packed)
        damaged[place] ^= 0x55
        contents, findings = unpack_all(bytes(damaged))
        assert (contents, codes(findings)) == ([], ["PACK-011"]), place
        assert findings[0].params["byte"] <= len(packed)


def test_of_a_gzip_with_a_wrong_checksum_nothing_is_read():
    packed = bytearray(make_gzip(TEXT))
    packed[-8] ^= 1
    contents, findings = unpack_all(bytes(packed))
    assert (contents, codes(findings)) == ([], ["PACK-011"])


def test_garbage_behind_a_gzip_is_told_and_costs_nothing():
    packed = make_gzip(TEXT)
    contents, (finding,) = unpack_all(packed + b"\0\0garbage")
    assert contents == [("", TEXT)]
    assert finding.code == "PACK-008"
    assert finding.params == {"byte": len(packed), "bytes": 9}


# zip


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_sound_zip_comes_out_whole(method, streamed):
    assert unpack_all(make_zip(FILES, method=method, streamed=streamed)) == (FILES, [])


def test_a_zip64_comes_out_whole():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in FILES:
            with packed.open(name, "w", force_zip64=True) as member:
                member.write(content)
    whole = stream.getvalue()
    assert unpack_all(whole) == (FILES, [])
    # The end as a zip of more than 65,535 files has it: what matters stands in the zip64 record.
    at = whole.rindex(b"PK\5\6")
    end = list(struct.unpack("<4s4H2LH", whole[at:]))
    *_, entries, size, offset, _ = end
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    end[3:7] = [0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF]
    assert unpack_all(whole[:at] + wide + locator + struct.pack("<4s4H2LH", *end)) == (FILES, [])


def test_folders_and_what_computers_add_are_left_out_and_told():
    junk = [("export/", b""), ("__MACOSX/export/._march.csv", b"x"), ("export/.DS_Store", b"x")]
    contents, findings = unpack_all(make_zip([*junk, ("export/march.csv", TEXT)]))
    assert contents == [("export/march.csv", TEXT)]
    assert codes(findings) == ["PACK-009"]
    assert "folders: 1, files that a computer keeps for itself: 2" in word_message(findings[0])


def test_a_name_is_only_shown():
    names = ["../../etc/passwd", "/etc/shadow", "C:\\x\\..\\y", "a\nb\x1b[2J\u202e", "x" * 300]
    contents, findings = unpack_all(make_zip([(name, b"row\n") for name in names]))
    assert findings == []
    assert [content for _, content in contents] == [b"row\n"] * 5
    assert all(name.isprintable() and len(name) <= 80 for name, _ in contents)


def patch(packed: bytes, name: str, offset: int, form: str, value: int) -> bytes:
    """The zip with a field of the list's entry for the file set to a value."""
    at = packed.rindex(name.encode()) - 46
    changed = bytearray(packed)
    struct.pack_into(form, changed, at + offset, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("offset", "form", "value", "code", "words"),
    [
        (8, "<H", 1, "PACK-005", "it is encrypted"),
        (10, "<H", 14, "PACK-005", "LZMA (method 14)"),
        (10, "<H", 77, "PACK-005", "another method (method 77)"),
        (16, "<L", 12345, "PACK-011", "is damaged"),
        (42, "<L", 5, "PACK-007", "lie on one another: 1 of them"),
    ],
    ids=["encrypted", "lzma", "unknown method", "checksum", "on another file"],
)
def test_a_bad_file_does_not_cost_the_others(offset, form, value, code, words):
    packed = patch(make_zip(FILES), "april.csv", offset, form, value)
    contents, findings = unpack_all(packed)
    assert [FILES[0], FILES[2]] == [one for one in contents if one[0] != "april.csv"]
    assert codes(findings) == [code]
    assert words in word_message(findings[0])


def test_a_zip_whose_files_all_lie_on_one_another_gives_one_of_them():
    one = make_zip([("a.csv", TEXT)])
    at = one.index(b"PK\1\2")
    entry, end = one[at : one.index(b"PK\5\6")], list(struct.unpack("<4s4H2LH", one[-22:]))
    end[3:6] = [500, 500, 500 * len(entry)]
    bomb = one[:at] + 500 * entry + struct.pack("<4s4H2LH", *end)
    contents, (finding,) = unpack_all(bomb)
    assert contents == [("a.csv", TEXT)]
    assert (finding.code, finding.params["files"]) == ("PACK-007", 499)


def test_a_file_left_out_of_the_count_is_not_lost():
    packed = bytearray(make_zip(FILES))
    end = packed.rindex(b"PK\5\6")
    packed[end + 8 : end + 12] = struct.pack("<2H", 1, 1)
    contents, findings = unpack_all(bytes(packed))
    assert contents == FILES
    assert codes(findings) == ["PACK-006"]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_zip_cut_off_anywhere_gives_what_came_before(streamed):
    packed = make_zip(FILES, streamed=streamed)
    for size in range(60, len(packed), 53):
        contents, findings = unpack_all(packed[:size])
        assert codes(findings) == ["PACK-006"], size
        assert findings[0].params["byte"] <= size
        for (name, content), (expected_name, expected) in zip(contents, FILES, strict=False):
            assert name == expected_name
            assert expected.startswith(content)
    assert contents == FILES


def test_a_zip_with_a_damaged_list_is_read_from_its_start():
    packed = make_zip(FILES)
    at = packed.index(b"PK\1\2") + 100
    contents, findings = unpack_all(packed[:at] + b"PK\0\0" * 10 + packed[at + 40 :])
    assert (contents, codes(findings)) == (FILES, ["PACK-006"])


# Caps, on what really comes out.


@pytest.mark.parametrize("pack", [make_gzip, lambda content: make_zip([("a", content)])])
def test_the_cap_on_bytes_counts_what_comes_out(pack):
    packed = pack(TEXT)
    assert unpack_all(packed, Limits(unpacked_bytes=len(TEXT)))[1] == []
    contents, findings = unpack_all(packed, Limits(unpacked_bytes=len(TEXT) - 1))
    assert (contents, codes(findings)) == ([], ["PACK-003"])


def test_the_cap_on_bytes_counts_all_files_together_and_whatever_the_list_says():
    packed = patch(make_zip(FILES), "march.csv", 24, "<L", 1)
    contents, findings = unpack_all(packed, Limits(unpacked_bytes=len(TEXT) + 50))
    assert ([name for name, _ in contents], codes(findings)) == (["march.csv"], ["PACK-003"])


@pytest.mark.parametrize("pack", [make_gzip, lambda content: make_zip([("a", content)])])
def test_the_ratio_is_judged_where_much_comes_out(pack):
    limits = Limits(ratio=100)
    assert unpack_all(pack(bytes(8 * 2**20)), limits)[1] == []
    contents, findings = unpack_all(pack(bytes(9 * 2**20)), limits)
    assert (contents, codes(findings)) == ([], ["PACK-004"])


def test_the_cap_on_files_counts_files():
    files = [("folder/", b""), ("__MACOSX/._a", b""), ("a", b"1"), ("b", b"2")]
    assert codes(unpack_all(make_zip(files), Limits(members=2))[1]) == ["PACK-009"]
    for packed in (make_zip(files), make_zip(files)[:-60]):
        assert "EXP-012" in codes(unpack_all(packed, Limits(members=1))[1])
