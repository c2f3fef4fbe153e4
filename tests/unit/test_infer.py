"""What ``profile infer`` finds out of a feed, and what it never shows of it."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest

from gateway.profiles.infer import encode_analysis, infer_profile, make_name
from gateway.profiles.infer_ages import find_age_unit, is_national_age
from gateway.profiles.infer_codes import draft_codes, get_value_set, may_be_shown
from gateway.profiles.infer_columns import describe_columns
from gateway.profiles.infer_dates import find_date_form
from gateway.profiles.infer_kinds import find_kind
from gateway.profiles.infer_model import Column, Field
from gateway.profiles.infer_names import guess_by_name, names_a_person
from gateway.profiles.infer_rows import find_rows
from gateway.profiles.infer_yaml import key, scalar
from mappers.profile_load import parse_profile
from mappers.profile_yaml import read_yaml
from schemas.errors import WrongUseError


def infer(text, encoding="utf-8", **options):
    return infer_profile(io.BytesIO(text.encode(encoding)), "feed.csv", **options)


def infer_rows(columns, rows):
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    return infer("\n".join(lines))


def guess_of(inferred, name):
    (found,) = [one for one in inferred.draft.fields if one.field.name == name]
    return found.guess.target if found.guess else None


def profile_of(inferred):
    return parse_profile(inferred.text, "feed.yaml")


def describe(*values):
    (column,) = describe_columns([{"x": value} for value in values], ["x"])
    return column.field


# Kinds of values


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["01/02/2025", "28/02/2025"], "date"),
        (["2025-02-01T10:00:00Z"], "date"),
        (["01/02/25", "28/02/25"], "short year"),
        (["09:30", "23:05"], "time"),
        (["Y", "N", "Y"], "boolean"),
        (["1", "17", "3"], "integer"),
        (["1.5", "17", "0.25"], "number"),
        (["3 months", "45 years", "12 days"], "age"),
        (["RZA01", "RZB02"], "ods code"),
        (["9990108021", "999 010 803X", "999 400 0071", "9994000144", "9994000217"], "person"),
        (["Mr Smith", "Dr Jones"], "person"),
        (["a@b.example", "c@d.example"], "person"),
        (["Low", "High", "Low", "High"], "code"),
        (["The patient fell.", "A dose was missed."], "text"),
        (["12", "13", "x1", "14"] * 30 + ["n/a"], "code"),
        ([], "empty"),
    ],
)
def test_the_kind_of_the_values_is_found(values, kind):
    counts = {value: values.count(value) for value in values}
    assert find_kind(counts).kind == kind


def test_only_a_day_above_twelve_tells_day_from_month():
    assert find_date_form({"01/02/2025": 3, "12/11/2025": 1}).ambiguous
    clear = find_date_form({"01/02/2025": 3, "13/11/2025": 1})
    assert (clear.formats, clear.ambiguous) == (["DD/MM/YYYY"], False)
    assert find_date_form({"11/13/2025": 3}).formats == ["MM/DD/YYYY"]


def test_two_formats_in_one_field_are_both_found():
    found = find_date_form({"2025-11-01": 5, "13/11/2025": 5})
    assert sorted(found.formats) == ["DD/MM/YYYY", "ISO"]


def test_eight_digits_that_are_no_days_are_numbers():
    assert find_date_form({"20259999": 1, "20250101": 1}) is None


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["3 | 4", "4", "3"], "|"),
        (["a {~@~} b", "b", "a {~@~} c", "c"], "{~@~}"),
        (["Slips, trips", "Other"], None),  # punctuation of one label
        (["He fell; he was helped up.", "She fell; a scan was done."], None),
    ],
)
def test_a_separator_cuts_into_values_that_come_again(cells, separator):
    assert describe(*cells).separator == separator


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [
        ("Age", ["45", "7"], "years"),
        ("age_months", ["45", "7"], "months"),
        ("Age", ["16740", "31", "372"], None),  # the national encoding
        ("DOB", ["01/02/1950", "13/04/1980"], "date_of_birth"),
        ("Age", ["3 months", "45 years"], "text"),
    ],
)
def test_the_unit_of_an_age_is_found(name, values, unit):
    field = Field(name=name, filled=1, different=2, kind=find_kind(dict.fromkeys(values, 1)).kind)
    assert find_age_unit(Column(field, dict.fromkeys(values, 1))) == unit


def test_national_ages():
    ages = (0, 1, 30, 31, 45, 341, 372, 373, 744)
    assert [age for age in ages if is_national_age(age)] == [1, 30, 31, 341, 372, 744]


# Names


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("Degree of harm", "PatientInformation.PhysicalHarm"),
        ("inc_severity", "PatientInformation.PhysicalHarm"),
        ("IncidentDate", "event_date"),
        ("Date of Incident:", "event_date"),
        ("pat_dob", "PatientInformation.AgeAtTimeOfIncidentDays"),
        ("/reporter/organisation/odsCode", "PractitionerDetails.ReporterOrganisation"),
        ("/where/organisation/odsCode", "LocationDetails.Organisation"),
        ("Field[@name='Time of incident']", "AdverseEventEstimatedDate.PreciseTime"),
        ("agent_involved_agents", "AdverseEventAgent.InvolvedAgents"),
    ],
)
def test_a_name_says_what_a_field_is(name, target):
    guesses = guess_by_name(name, "5")
    assert max(guesses, key=lambda one: guesses[one]) == target
    assert guesses[target] >= 0.6


def test_a_code_of_a_legacy_system_is_a_name_only_as_a_whole():
    assert guess_by_name("IN07", "5")["narrative"] > 0.9
    assert "narrative" not in guess_by_name("IN05_LVL2", "5")


@pytest.mark.parametrize("name", ["NHS No", "Surname", "patient_forename", "/reporter/name"])
def test_a_name_of_a_person_is_known(name):
    assert names_a_person(name)


# Codes


def test_labels_are_matched_for_certain_and_what_is_like_them_is_asked():
    value_set = get_value_set("level-of-physical-harm", "5")
    codes = draft_codes({"No harm": 4, "Death": 3, "Near miss": 2, "Purple": 2}, value_set)
    assert [(one.theirs, one.national, one.certain) for one in codes] == [
        ("No harm", "5", True),
        ("Death", "1", True),
        ("Near miss", "5", False),
        ("Purple", None, False),
    ]


@pytest.mark.parametrize(
    ("text", "values", "is_shown"),
    [
        ("COTE", {"COTE": 2, "AMU": 1}, True),
        ("Jane Doe", {"Jane Doe": 1, "Low": 9}, False),
        ("Mr Smith", {"Mr Smith": 50}, False),
        ("999 400 0071", {"999 400 0071": 50}, False),
        ("x" * 61, {"x" * 61: 50}, False),
        ("Fatal", {"Fatal": 1}, True),  # the national list knows it
        ("A1", {"A1": 1, "B2": 1}, True),  # plainly a code
    ],
)
def test_a_value_is_shown_only_where_it_is_surely_a_code(text, values, is_shown):
    value_set = get_value_set("level-of-physical-harm", "5")
    assert may_be_shown(text, values, value_set) is is_shown


def test_a_column_of_yes_and_no_may_be_one_code_of_a_list():
    rows = [[number, "Y" if number % 3 else "N"] for number in range(9)]
    inferred = infer_rows(["Ref", "Medication involved?"], rows)
    rule = profile_of(inferred).elements["Medication involved?"]
    assert (rule.to, rule.codes) == ("AdverseEventAgent.InvolvedAgents", {"Y": "4", "N": ""})


# The feed as a whole


def test_rows_with_the_same_id_are_one_record():
    rows = [
        [f"I{number // 2}", f"1{number // 2}/01/2025", f"Text {number // 2}", "MF"[number % 2]]
        for number in range(20)
    ]
    inferred = infer_rows(["Incident ID", "Incident date", "Description", "Sex"], rows)
    assert (inferred.draft.rows.id, inferred.draft.rows.records) == ("Incident ID", 10)
    assert inferred.draft.rows.differing == ["Sex"]
    profile = profile_of(inferred)
    assert profile.rows.id == "Incident ID"
    assert profile.patients.rows
    assert list(profile.patients.elements) == ["Sex"]


def test_rows_that_are_versions_of_one_another_are_known_by_their_dates():
    rows = [
        {"Log no": f"L{number // 2}", "Status": "AB"[number % 2], "What": f"w{number // 2}",
         "Site": f"s{number // 2}", "modified date": f"1{number % 2}/0{number // 2 + 1}/2025"}
        for number in range(16)
    ]  # fmt: skip
    columns = describe_columns(rows, rows[0])
    found = find_rows(rows, columns, "5")
    assert (found.id, found.by, found.formats) == ("Log no", "modified date", ["DD/MM/YYYY"])


def test_a_column_of_few_values_is_no_id_of_several_rows():
    rows = [[f"R{number}", "AB"[number % 2], f"Some text {number}"] for number in range(20)]
    assert infer_rows(["Ref", "Directorate", "Description"], rows).draft.rows is None


def test_numbered_columns_are_the_patients():
    inferred = infer_rows(
        ["Ref", "patient_1_severity", "patient_2_severity", "drug_1"],
        [[number, "Low", "Severe" if number % 2 else "", "Insulin"] for number in range(8)],
    )
    profile = profile_of(inferred)
    assert list(profile.patients.elements) == ["patient_{n}_severity"]
    assert profile.elements["drug_1"].to == "AdverseEventAgent.DrugsInvolved"


def test_windows_1252_and_semicolons_are_read_and_said():
    inferred = infer("Ref;Ward\n1;Children’s ward\n2;Café\n", "cp1252")
    assert inferred.draft.layout.said == ["read as Windows-1252", "a semicolon between cells"]
    assert "read as Windows-1252; a semicolon between cells" in inferred.text


def test_years_with_two_digits_are_never_completed_and_said():
    rows = [[number, f"1{number}/11/24"] for number in range(8)]
    inferred = infer_rows(["Ref", "Incident date"], rows)
    assert profile_of(inferred).event_date.date_format == "DD/MM/YYYY"
    assert any("two digits" in task and '"Incident date"' in task for task in inferred.draft.todo)


def test_days_and_months_that_could_be_either_are_said():
    rows = [[number, f"0{number + 1}/11/2024"] for number in range(8)]
    inferred = infer_rows(["Ref", "Incident date"], rows)
    assert profile_of(inferred).event_date.date_format == "DD/MM/YYYY"
    assert any("other way round" in task for task in inferred.draft.todo)


def test_what_is_needed_and_missing_stands_at_the_top():
    inferred = infer_rows(["Ref", "Description"], [[1, "Text"], [2, "Other"]])
    assert "AdverseEventAgent.InvolvedAgents" in inferred.draft.todo[0]


def test_a_feed_of_a_shipped_profile_is_known():
    with Path("samples/profiles/nrls-csv/feed.csv").open("rb") as stream:
        inferred = infer_profile(stream, "feed.csv")
    assert "shipped profile nrls-csv" in inferred.draft.todo[0]


def test_only_the_sample_is_read():
    inferred = infer_profile(
        io.BytesIO(b"Ref,A\n" + b"".join(b"%d,x\n" % n for n in range(50))), "f.csv", records=10
    )
    assert (inferred.draft.records, inferred.draft.is_sample) == (10, True)
    assert "the first 10 records" in inferred.text


def test_packed_feeds_are_unpacked_and_said():
    raw = b"Ref,Text\n" + b"".join(b"R%d,text\n" % number for number in range(5))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as folder:
        folder.writestr("first.csv", raw)
        folder.writestr("second.csv", raw + raw)
    for packed, said in (
        (gzip.compress(raw), "packed as gzip"),
        (zipped.getvalue(), "the first file of a zip, 'first.csv'"),
    ):
        inferred = infer_profile(io.BytesIO(packed), "feed.csv.gz")
        assert inferred.draft.records == 5
        assert said in inferred.text
        assert guess_of(inferred, "Ref") == "local_id"


def test_a_line_of_totals_is_said_and_no_record():
    rows = "".join(f"R{number},2{number}/01/2025,text\n" for number in range(5))
    inferred = infer(f"Ref,Incident date,Description\n{rows}Total,5,\n")
    assert inferred.draft.records == 5
    assert "is one of totals" in inferred.text


XML = """<e:Export xmlns:e="urn:e" xmlns="urn:i"><e:Info>x</e:Info><e:List>{}</e:List></e:Export>"""
RECORD = """<Incident ref="{0}"><Narrative>It happened on the ward, number {0}.</Narrative>
<Field name="Date of incident">1{0}/01/2025</Field><Field name="Handler">Nobody</Field>
<People><Person><Sex>F</Sex><Severity>Low</Severity></Person><Person><Sex>M</Sex></Person></People>
</Incident>"""


def test_the_records_of_an_xml_file_are_found():
    text = XML.format("".join(RECORD.format(number) for number in range(1, 9)))
    inferred = infer_profile(io.BytesIO(text.encode()), "feed.xml")
    profile = profile_of(inferred)
    assert profile.namespaces[""] == "urn:i"
    prefix = next(prefix for prefix, uri in profile.namespaces.items() if uri == "urn:e")
    assert profile.record == f"{prefix}:Export/{prefix}:List/Incident"
    assert profile.local_id.field == "@ref"
    assert profile.narrative.field == "Narrative"
    assert profile.event_date.field == "Field[@name='Date of incident']"
    assert profile.patients.at == "People/Person"
    assert set(profile.patients.elements) == {"Sex", "Severity"}


def test_an_xml_file_with_one_record_has_it_all_the_same():
    inferred = infer_profile(
        io.BytesIO(b"<list><incident><ref>1</ref><a>x</a><a>y</a></incident></list>"), "feed.xml"
    )
    assert profile_of(inferred).record == "list/incident"


@pytest.mark.parametrize(
    ("wrap", "record"),
    [
        (lambda records: records, ""),
        (lambda records: {"meta": {"n": 8}, "data": {"incidents": records}}, "/data/incidents"),
        (
            lambda records: {"sites": [{"incidents": records[:4]}, {"incidents": records[4:]}]},
            "/sites/*/incidents",
        ),
    ],
)
def test_the_records_of_a_json_document_are_found(wrap, record):
    records = [
        {
            "id": f"I-{number}",
            "what": {"description": f"A longer text of what happened, number {number}."},
            "patients": [{"sex": "F", "severity": "Low"}, {"sex": "M"}],
        }
        for number in range(8)
    ]
    inferred = infer_profile(io.BytesIO(json.dumps(wrap(records)).encode()), "feed.json")
    profile = profile_of(inferred)
    assert profile.record == record
    assert profile.local_id.field == "/id"
    assert profile.narrative.field == "/what/description"
    assert (profile.patients.at, set(profile.patients.elements)) == (
        "/patients",
        {"/sex", "/severity"},
    )


def test_json_lines_need_no_pointer():
    lines = b"".join(b'{"id": %d, "what": "text"}\n' % number for number in range(5))
    inferred = infer_profile(io.BytesIO(lines), "feed.ndjson")
    assert profile_of(inferred).record is None
    assert inferred.draft.records == 5


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"Ref,Date\n", "no record"),
        (b"Ref,Date\n1,2,3\n4,5,6\n", "none of its records can be read"),
        (b"# A page\nof text\n", "one cell only"),
        (b"\x1f\x8b\x08abc", "the gzip cannot be unpacked"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b'{"resourceType": "AdverseEvent"}', "FHIR, which needs no profile"),
        (b'<Bundle xmlns="http://hl7.org/fhir"/>', "FHIR, which needs no profile"),
        (b"Ref,9990108021\n1,2\n", "no names of columns but data"),
        (b"<!DOCTYPE a><a><b>1</b></a>", "DOCTYPE"),
        (b"<a", "XML"),
    ],
)
def test_what_no_profile_can_be_made_of_is_refused(raw, words):
    with pytest.raises(WrongUseError, match=words):
        infer_profile(io.BytesIO(raw), "feed")


# What a draft shows

SECRETS = (
    "Zebedee",
    "quokka",
    "999 400 0071",
    "zebedee@example.org",
    "07700 900762",
    "Wombat Lane",
)


def test_a_draft_shows_nothing_of_a_person_and_no_free_text():
    rows = [
        [
            f"R{number}",
            "Zebedee Quux" if number % 2 else "Mr Zebedee",
            f"The quokka of bed {number} fell on the floor and was helped up again.",
            "999 400 0071",
            "zebedee@example.org",
            "07700 900762",
            "1 Wombat Lane",
            ("Low", "Zebedee Smith", "Severe")[number % 3],
        ]
        for number in range(3)
    ]
    columns = [
        "Ref", "Patient name", "Description", "Number", "Contact", "Extension", "Where", "Severity",
    ]  # fmt: skip
    inferred = infer_rows(columns, rows)
    for secret in SECRETS:
        assert secret not in inferred.text
        assert secret not in encode_analysis(inferred.draft).decode()
    assert guess_of(inferred, "Severity") == "PatientInformation.PhysicalHarm"
    assert "not shown because they may be no codes" in inferred.text
    ignored = profile_of(inferred).ignored
    assert ignored["Patient name"] == "identifies a person"
    assert ignored["Number"] == "identifies a person"
    assert ignored["Contact"] == "identifies a person"


# YAML


@pytest.mark.parametrize(
    "text",
    ["", "~", "null", "yes", "a: b", "#x", "- x", "\\/", '"', "'", "\x00", "\x85", "\ufeff", "🦊",
     "é", "{n}", "[x]", "&a", "*a", "!t", "%", "@x", "a #b", " a", "a ", "\u2028", "x" * 2_000],
)  # fmt: skip
def test_any_text_is_a_key_and_a_value(text):
    content, _ = read_yaml(f"a:\n  {key(text, '  ')} {scalar(text)}\n", "f.yaml")
    assert content == {"a": {text: text}}


def test_a_name_is_made_of_that_of_the_file():
    assert make_name("Export 2025 (final).v2.csv") == "export-2025-final"
    assert make_name("…") == "draft"
