"""Ugly profiles: what is said of each, with file, line and key."""

import pytest

from mappers.profile_load import make_shelf, parse_profile
from mappers.profile_problems import BadProfileError
from tests.lib.profile_shelf import SMALL, SMALL_JSON, SMALL_XML

AGENTS = "AdverseEventAgent.InvolvedAgents"
NEVER = "AdverseEventGovernance.NeverEvent"
POINT = "DetectionFactors.DetectionPoint"
HARM = "PatientInformation.PhysicalHarm"
AGE = "PatientInformation.AgeAtTimeOfIncidentDays"
DAY = "AdverseEventEstimatedDate.TodaysDate"
TIME = "AdverseEventEstimatedDate.PreciseTime"
STORY = "AdverseEventOutcome.ImmediateActions"
SITE = "LocationDetails.Organisation"

SHAPES = [
    ("name: [", "x.yaml, line 1: not YAML"),
    ("name: x\n\x07", "x.yaml, line 1: not YAML"),
    ("", "x.yaml, line 1, profile: a profile is keys and values"),
    ("- a\n", "x.yaml, line 1, profile: a profile is keys and values"),
    ("? [a]\n: b\n", "x.yaml, line 1: a key is a text"),
    ("name: x\nname: y\n", "x.yaml, line 2: 'name' stands here a second time"),
    ("name: x\n", "x.yaml, line 1, profile: 'event_type' is missing"),
    (SMALL + "colour: red\n", "line 6, colour: 'colour' is no key here; there are booleans"),
    (SMALL + "element: {}\n", "line 6, element: 'element' is no key here; is 'elements' meant?"),
    ("name: X!\n" + SMALL[8:], "x.yaml, line 1, name: 'X!': a-z, 0-9 and '-'"),
    (SMALL.replace("csv", "xls"), "x.yaml, line 3, format: 'xls': one of 'csv', 'xml' or 'json'"),
    (
        SMALL.replace(": 5", ": 7"),
        "x.yaml, line 4, taxonomy_version: taxonomy versions are 4, 5, 6",
    ),
    (SMALL + "local_id: {}\n", "line 6, local_id: 'field' is missing"),
    (SMALL + "local_id:\n  feld: a\n", "line 7, local_id.feld: 'feld' is no key here; is 'field'"),
    (SMALL + "local_id: [a]\n", "line 6, local_id: this is a list; keys and values are expected"),
    (SMALL + "elements:\n", "line 6, elements: this is empty; keys and values are expected here"),
    (SMALL + "ignored: [a]\n", "line 6, ignored: this is a list; keys and values are expected"),
    (SMALL + "local_id: ~\n", "line 6, local_id: '~' takes away what another profile says"),
    (SMALL + "ignored: {a: ' '}\n", "line 6, ignored.a: say why"),
    (SMALL + "escape: /\n", "line 6, escape: '/': one of '\\\\'"),
    (SMALL + "escape: \\\n", "line 6, escape: an escape stands before a separator"),
    (SMALL + "record: a/b\n", "line 6, record: a csv profile has no record"),
    (SMALL + "namespaces: {a: b}\n", "line 6, namespaces: only xml has namespaces"),
    (SMALL_JSON + "namespaces: {a: b}\n", "line 6, namespaces: only xml has namespaces"),
    (SMALL_XML.replace("record: a/b\n", ""), "an xml profile names its record"),
    (SMALL + "expectations: {records: {min: 5, max: 3}}\n", "at least 5 and at most 3 cannot both"),
    (SMALL + "expectations: {records: {min: -5}}\n", "line 6, expectations.records.min: '-5'"),
    (SMALL + "expectations: {rejected_at_most: 20}\n", "expectations.rejected_at_most: '20'"),
]

HEADS = [
    (SMALL + "event_date: {field: d, date_format: '%d/%m/%y'}\n", "years have four digits: %Y"),
    (SMALL + "event_date: {field: d, date_format: DD/MM}\n", "'DD/MM': one of DD/MM/YYYY, "),
    (SMALL + "event_date: {field: d, date_format: '%m'}\n", "'%m' does not say a whole day"),
    (SMALL + "event_date: {field: d, date_format: [DD/MM/YYYY, HH:MM]}\n", "'HH:MM' does not say"),
    (SMALL + "narrative: {field: d, date_format: '%Y'}\n", "only event_date has a date format"),
    (SMALL + "narrative: {field: d, codes: {a: b}}\n", "only event_type and taxonomy_version have"),
    (
        SMALL + "event_date: {field: d, more: {a: b}}\n",
        "line 6, event_date.more: only the narrative",
    ),
    (
        SMALL + "narrative: {field: d, more: {d: b}}\n",
        "narrative.more.d: it is the narrative's first",
    ),
    (
        SMALL.replace("event_type: type", "event_type: {field: t, codes: {a: '9'}}"),
        "line 5, event_type.codes.a: '9': accepted are 1 Patient safety incident, 2",
    ),
    (
        SMALL.replace("event_type: type", "event_type: {value: incident}"),
        "line 5, event_type.value: 'incident': accepted are 1 Patient",
    ),
    (
        SMALL.replace("event_type: type", "event_type: {value: 1, field: a}"),
        "line 5, event_type.field: 'field' is no key here",
    ),
    (
        SMALL.replace(": 5", ": {field: v, codes: {a: '9'}}"),
        "line 4, taxonomy_version.codes.a: '9': accepted are 4, 5, 6",
    ),
    (
        SMALL + "ignored: {type: twice}\n",
        "line 6, ignored.type: field 'type' is mapped and ignored",
    ),
    (SMALL + "rows: {id: a, keep: newest}\n", "line 6, rows: keep: newest names the column"),
    (SMALL + "rows: {id: a, by: b}\n", "line 6, rows.by: only where keep is newest"),
    (
        SMALL + "rows: {id: a, keep: newest, by: b, date_format: x}\n",
        "rows.date_format: 'x': one of",
    ),
    (SMALL_XML + "rows: {id: a}\n", "line 7, rows: only a csv has rows"),
]


def rule(text: str) -> str:
    return f"{SMALL}elements:\n  a: {text}\n"


RULES = [
    (rule("Agent"), "x.yaml, line 7, elements.a: 'Agent': an element is Group.Element"),
    (
        rule("AdverseEventAgent.Nothing"),
        "line 7, elements.a: AdverseEventAgent.Nothing is not an element of taxonomy version 5",
    ),
    (
        rule("MedicationDmd.VTMCode"),
        "MedicationDmd.VTMCode is not an element of taxonomy version 5",
    ),
    (rule("AdverseEventCore.Description"), "mapped by the key 'narrative'"),
    (rule(HARM), f"line 7, elements.a: {HARM} occurs several times: place it under patients"),
    (rule("{}"), "line 7, elements.a: 'to' is missing"),
    (rule(f"[{POINT}, {{to: X}}]"), "line 7, elements.a.1.to: 'X': an element is Group.Element"),
    (rule(f"[{POINT}, X.Y]"), "line 7, elements.a.1: X.Y is not an element"),
    (rule(f"{{to: {AGENTS}, code: {{}}}}"), "elements.a.code: 'code' is no key here; is 'codes'"),
    (
        rule(f"{{to: {AGENTS}, codes: martian}}"),
        "line 7, elements.a.codes: no code list 'martian'; there are: none",
    ),
    (rule(f"{{to: {NEVER}, separator: ;}}"), f"elements.a.separator: {NEVER} holds one value"),
    (rule(f'{{to: {AGENTS}, separator: " "}}'), "a separator is more than blanks"),
    (rule(f"{{to: {NEVER}, codes: {{x: y}}}}"), "is not a code but a boolean"),
    (rule(f"{{to: {NEVER}, date_format: '%Y'}}"), "is not a date or a time but a boolean"),
    (rule(f"{{to: {POINT}, booleans: {{true: [a]}}}}"), "is not true or false but a code"),
    (rule(f"{{to: {TIME}, date_format: DD/MM/YYYY}}"), "'DD/MM/YYYY' does not say a time of day"),
    (rule(f"{{to: {DAY}, date_format: HH:MM}}"), "'HH:MM' does not say a whole day"),
    (rule(f"{{to: {DAY}, age: years}}"), f"elements.a.age: {DAY} is no age; ages are AgeAt"),
    (rule(f"{{to: {DAY}, heading: When}}"), "elements.a.heading: "),
    (
        rule(f"{{to: {POINT}, by_name: true}}"),
        f"elements.a.by_name: {POINT} is not an organisation",
    ),
    (rule(f"{{to: {STORY}, take: {{separator: x, part: 0}}}}"), "pieces count from 1"),
    (rule(f"{{to: {STORY}, take: {{separator: x, part: y}}}}"), "elements.a.take.part: 'y'"),
    (
        f"{SMALL}patients: {{elements: {{a: {{to: {AGE}, age: days, date_format: '%Y'}}}}}}\n",
        "only an age that is a date of birth has a date format",
    ),
    (
        f"{SMALL}patients: {{elements: {{a: {{to: {AGE}, age: hours}}}}}}\n",
        "patients.elements.a.age: 'hours': one of 'years', 'months'",
    ),
]

CODES = [
    (
        rule(f"\n    to: {AGENTS}\n    codes:\n      ok: '4'\n      bad: '99'"),
        f"line 11, elements.a.codes.bad: '99' is not a code of {AGENTS}; version 5 accepts 4 ",
    ),
    (
        rule(f"{{to: {AGENTS}, codes: agents}}") + "code_lists:\n  agents:\n    bad: '99'\n",
        "line 10, code_lists.agents.bad: '99' is not a code of",
    ),
    (f"{SMALL}constants:\n  {POINT}: '99'\n", f"line 7, constants.{POINT}: '99' is not a code"),
    (
        f"{SMALL}derive:\n  {POINT}:\n    - value: '99'\n",
        f"line 8, derive.{POINT}.0.value: '99' is not a code of {POINT}",
    ),
    (f"{SMALL}constants: {{{POINT}: ['1']}}\n", f"{POINT} holds one value"),
    (f"{SMALL}constants: {{{NEVER}: maybe}}\n", "neither true nor false"),
    (f"{SMALL}constants: {{Nothing.Here: '1'}}\n", "Nothing.Here is not an element"),
    (f"{SMALL}constants: {{Nothing: '1'}}\n", "an element is Group.Element"),
    (f"{SMALL}constants: {{AdverseEventCore.Description: a}}\n", "never a fixed text"),
    (
        f"{SMALL}constants: {{AdverseEventReferenceMetadata.ReferenceNumber: '1'}}\n",
        "a reference number is no constant",
    ),
]

CONDITIONS = [
    (rule(f"{{to: {POINT}, when: {{b: {{}}}}}}"), "line 7, elements.a.when.b: this asks nothing"),
    (rule(f"{{to: {POINT}, when: {{}}}}"), "elements.a.when: a condition asks something"),
    (rule(f"{{to: {POINT}, when: []}}"), "elements.a.when: a condition asks something"),
    (rule(f"{{to: {POINT}, when: {{b: []}}}}"), "elements.a.when.b: 'any' names no value"),
    (
        rule(f"{{to: {POINT}, when: {{b: {{any: [x], none: [X, y]}}}}}}"),
        "'any' and 'none' name the same: nothing can meet this",
    ),
    (
        rule(f"{{to: {POINT}, when: [{{c: x}}, {{b: {{given: false, contains: [x]}}}}]}}"),
        "line 7, elements.a.when.1.b: a field that is not filled has no value",
    ),
    (
        rule(f"{{to: {POINT}, when: {{b: {{anny: [x]}}}}}}"),
        "elements.a.when.b.anny: 'anny' is no key here; is 'any' meant?",
    ),
    (f"{SMALL}derive: {{{POINT}: []}}\n", f"derive.{POINT}: no case stands here"),
]


def cases(*lines: str) -> str:
    return f"{SMALL}derive:\n  {POINT}:\n" + "".join(f"    - {{{line}}}\n" for line in lines)


REACH = [
    (cases("value: 1", "when: {b: x}, value: 2"), "line 9, derive.", "case 1", "has no condition"),
    (cases("when: {b: x}, value: 1", "when: {b: X}, value: 2"), "line 9, derive.", "case 1", "too"),
    (
        cases("when: {b: [x, y]}, value: 1", "when: {b: x, c: z}, value: 2"),
        "line 9, derive.", "case 1", "holds there, too",
    ),
    (
        cases("when: {b: {contains: [fall]}}, value: 1", "when: {b: a fall}, value: 2"),
        "line 9, derive.", "case 1", "holds there, too",
    ),
    (
        cases("when: {b: {given: true}}, value: 1", "when: {c: z}, value: 2",
              "when: {b: x}, value: 3"),
        "line 10, derive.", "case 1", "holds there, too",
    ),
    (
        cases("when: {b: x}, value: 1", "when: {b: y}, value: 2",
              "when: [{b: x}, {b: y}], value: 3"),
        "line 10, derive.", "case 2", "holds there, too",
    ),
]  # fmt: skip

REACHED = [
    cases("when: {b: x}, value: 1", "value: 2"),
    cases("when: {b: x, c: z}, value: 1", "when: {b: x}, value: 2"),
    cases("when: {b: x}, value: 1", "when: {b: [x, y]}, value: 2"),
    # A field may hold several values: one of them may be x, and another y.
    cases("when: {b: {none: [y]}}, value: 1", "when: {b: x}, value: 2"),
    cases("when: {b: {given: true}}, value: 1", "when: {b: {given: false}}, value: 2"),
    cases("when: {b: x}, value: 1", "when: [{b: x}, {b: y}], value: 2"),
    cases("when: {b: {contains: [a fall]}}, value: 1", "when: {b: {contains: [fall]}}, value: 2"),
]

GROUPS = [
    (
        f"{SMALL}patients:\n  elements:\n    'h{{n}}': {NEVER}\n",
        f"line 8, patients.elements.h{{n}}: {NEVER} is not of PatientInformation",
    ),
    (f"{SMALL}patients: {{at: p, elements: {{h: {HARM}}}}}\n", "csv has no 'at'"),
    (
        f"{SMALL}patients:\n  number: Place\n  elements: {{}}\n",
        "line 7, patients.number: PatientInformation has no element Place",
    ),
    (
        f"{SMALL}patients: {{elements: {{'{{n}}{{n}}': {HARM}}}}}\n",
        "the name holds {n} at most once",
    ),
    (f"{SMALL}patients: {{rows: true, elements: {{h: {HARM}}}}}\n", "says by 'rows' which rows"),
    (
        f"{SMALL}rows: {{id: i}}\npatients: {{rows: true, elements: {{'h{{n}}': {HARM}}}}}\n",
        "a row of its own for each: no {n} in column names",
    ),
    (
        (
            f"{SMALL}rows: {{id: i, keep: newest, by: d}}\n"
            f"patients: {{rows: true, elements: {{h: {HARM}}}}}\n"
        ),
        "line 7, patients.rows: of a record whose newest row alone counts",
    ),
    (f"{SMALL_XML}patients: {{rows: true, elements: {{h: {HARM}}}}}\n", "only a csv has rows"),
    (
        f"{SMALL_XML}patients: {{at: p, elements: {{'h{{n}}': {HARM}}}}}\n",
        "only where there is no 'at'",
    ),
    (rule(POINT).replace("  a:", "  'a{n}':"), "{n} stands only in columns of patients"),
]

PATHS = [
    (SMALL_XML + "narrative: y:text\n", "line 7, narrative: prefix 'y' is used and not declared"),
    (SMALL_XML + "narrative: '{urn:y}text'\n", "declare a prefix for each namespace"),
    (SMALL_XML + "narrative: a//b\n", "'a//b': a path as what/agent, what/@kind"),
    (SMALL_XML + "narrative: /a/b\n", "'/a/b': a path as"),
    (SMALL_XML + "narrative: '@a/b'\n", "'@a/b': a path as"),
    (SMALL_XML + "narrative: a[@b=c]\n", "'a[@b=c]': a path as"),
    (SMALL_XML + "narrative: a[b='c']\n", "a path as"),
    (SMALL_XML + "narrative: \"z:a[@y:b='c:d']\"\n", "prefix 'y' is used"),
    (SMALL_XML.replace("a/b", "a b"), "line 4, record: 'a b': a path as incidents/incident"),
    (SMALL_XML + f"patients: {{at: p/, elements: {{h: {HARM}}}}}\n", "patients.at: 'p/': a path"),
    (SMALL_XML + f"patients: {{at: p, elements: {{h/: {HARM}}}}}\n", "patients.elements.h/: 'h/'"),
    (SMALL_JSON + "narrative: text\n", "'text': a pointer from the record, as /what/agent"),
    (SMALL_JSON + "narrative: /a/\n", "'/a/': a pointer"),
    (SMALL_JSON + "narrative: /a~b\n", "'/a~b': a pointer"),
    (SMALL_JSON + "record: incidents\n", "line 6, record: 'incidents': a pointer as /incidents"),
    (SMALL_JSON + f"elements: {{/a: {{to: {POINT}, when: {{b: x}}}}}}\n", "'b': a pointer"),
    (SMALL_JSON + f"patients: {{at: /p, elements: {{h: {HARM}}}}}\n", "'h': a pointer"),
    (SMALL + "narrative: ' '\n", "line 6, narrative: a column has a name"),
]


@pytest.mark.parametrize(
    ("text", "problem"),
    [*SHAPES, *HEADS, *RULES, *CODES, *CONDITIONS, *GROUPS, *PATHS],
)
def test_a_bad_profile_says_what_is_wrong_and_where(text: str, problem: str) -> None:
    with pytest.raises(BadProfileError) as refused:
        parse_profile(text, "x.yaml")
    assert problem in str(refused.value)


@pytest.mark.parametrize(("text", "where", "which", "why"), REACH)
def test_a_case_that_is_never_reached_is_told(text: str, where: str, which: str, why: str) -> None:
    with pytest.raises(BadProfileError) as refused:
        parse_profile(text, "x.yaml")
    (problem,) = str(refused.value).splitlines()
    assert where in problem
    assert f"never reached: {which} stands before it" in problem
    assert problem.endswith(why)


@pytest.mark.parametrize("text", REACHED)
def test_a_case_that_can_be_reached_is_not(text: str) -> None:
    assert parse_profile(text, "x.yaml").derive


@pytest.mark.parametrize(
    "text",
    [
        SMALL_XML + "narrative: \"f:field[@f:name='a/b']/@kind\"\nnamespaces: {f: urn:f}\n",
        SMALL_XML + "narrative: '@xml:lang'\n",
        SMALL_XML + "narrative: vorgang/größe-2.a\n",
        SMALL_XML + f"patients: {{elements: {{'p{{n}}/harm': {HARM}}}}}\n",
        SMALL_JSON + "record: ''\nnarrative: /a~1b/*/c d\n",
        SMALL_JSON + f"record: /a/b\npatients: {{at: /p, elements: {{/h: {HARM}}}}}\n",
        SMALL + "narrative: Wer? Wie/Was {urn}\n",
        rule(f"{{to: {SITE}, codes: {{Ward 1: RZA}}}}"),  # the register says which codes there are
        rule(f"{{to: {AGENTS}, codes: {{x: ''}}}}"),
        f"{SMALL}constants: {{{AGENTS}: '4'}}\n",
    ],
)
def test_a_profile_that_looks_odd_and_is_fine(text: str) -> None:
    assert parse_profile(text, "x.yaml")


def test_every_fault_is_named_at_once() -> None:
    text = rule("No.Such") + f"  b: {{to: {AGENTS}, codes: {{x: '99', y: '98'}}}}\nrecord: a\n"
    with pytest.raises(BadProfileError) as refused:
        parse_profile(text, "x.yaml")
    assert [one.place.line for one in refused.value.problems] == [9, 7, 8, 8]


def test_no_fault_is_named_twice() -> None:
    with pytest.raises(BadProfileError) as refused:
        parse_profile(rule("[{}]"), "x.yaml")
    assert len(refused.value.problems) == 1


WHOLE = SMALL.replace("event_type: type", "event_type: {value: 1}") + (
    "event_date: day\nnarrative: text\nelements:\n"
    f"  agent: {AGENTS}\n  challenge: AdverseEventSafetyChallenges.SafetyChallenges\n"
    f"  site: {SITE}\n  trust: PractitionerDetails.ReporterOrganisation\n"
)
REMARKS = [
    (
        f"  b: {POINT}\n  c: {POINT}\n",
        "elements.c: 'b' fills DetectionFactors.DetectionPoint as well",
    ),
    (f"  b: {POINT}\nconstants: {{{POINT}: '1'}}\n", "the constant stands where it is empty"),
    ("code_lists: {x: {a: '1'}}\n", "code_lists.x: no rule uses this code list"),
    (f"  b: {{to: {POINT}, codes: {{A: '1', a: '2'}}}}\n", "'a' and 'A' differ only in case"),
    (f"  b: {{to: {POINT}, when: {{Agent: x}}}}\n", "a field 'Agent'; is 'agent' meant?"),
    (f"  b: {{to: {POINT}, when: {{chalenge: x}}}}\n", "'chalenge'; is 'challenge' meant?"),
    (
        f"  b: {{to: {POINT}, codes: {{A: '1'}}}}\n  c: {{to: {NEVER}, when: {{b: [a, B]}}}}\n",
        "elements.c.when.b: 'B' is no code that the code map of 'b' knows",
    ),
    (
        f"derive: {{{POINT}: [{{value: '1'}}]}}\nconstants: {{{POINT}: '2'}}\n",
        "never used: the last case under derive holds always",
    ),
    (
        f"patients: {{elements: {{h: {HARM}}}}}\n",
        "nothing fills PatientInformation.PatientSequence",
    ),
    (
        "  r: {to: PractitionerDetails.ReporterRole, codes: {x: '9'}}\n",
        "gives 'Other' and nothing fills PractitionerDetails.ReporterRoleOther: such a record will",
    ),
]


@pytest.mark.parametrize(("more", "remark"), REMARKS)
def test_what_looks_wrong_is_remarked(tmp_path, more: str, remark: str) -> None:
    (tmp_path / "x.yaml").write_text(WHOLE + more)
    examined = make_shelf().examine(str(tmp_path / "x.yaml"))
    assert examined.faults == []
    (found,) = map(str, examined.remarks)
    assert remark in found
    parse_profile(WHOLE + more, "x.yaml")


@pytest.mark.parametrize(
    "more",
    [
        "",
        f"  b: {{to: {POINT}, when: {{agent: x}}}}\n  c: {POINT}\n",
        f"  b: {{to: {STORY}, heading: B}}\n  c: {{to: {STORY}, heading: C}}\n",
        f"  b: {AGENTS}\n",
        # What only a condition looks at need not be named elsewhere.
        f"  b: {{to: {POINT}, when: {{role: x}}}}\n",
        f"  b_1: {{to: {POINT}, when: {{b_2: x}}}}\n  b_3: {{to: {POINT}, when: {{b_2: y}}}}\n",
    ],
)
def test_what_is_fine_is_not(tmp_path, more: str) -> None:
    (tmp_path / "x.yaml").write_text(WHOLE + more)
    assert make_shelf().examine(str(tmp_path / "x.yaml"))[2:] == ([], [])


def test_a_code_of_one_version_only_is_remarked_with_the_others(tmp_path) -> None:
    text = WHOLE.replace(": 5\n", ": version\n", 1)
    text += "  who: {to: AdverseEventAgent.InvolvedAgents, codes: {estates: '14'}}\n"
    (tmp_path / "x.yaml").write_text(text)
    remarks = [str(one) for one in make_shelf().examine(str(tmp_path / "x.yaml")).remarks]
    assert any("version 4 has no code '14' of AdverseEventAgent" in one for one in remarks), remarks
