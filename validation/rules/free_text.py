"""Free text names nobody: one warning for each kind of identifier in an element, with how many,
never what."""

from typing import Final

from schemas.catalogue import narrative as codes
from schemas.event import Group, NationalEvent
from schemas.finding import Finding, FindingCode
from schemas.submission import Submission
from validation.identifiers_in_text import (
    count_emails,
    count_names,
    count_nhs_numbers,
    count_postcodes,
    count_telephones,
    has_number,
    has_title,
    may_identify,
)

# The elements in which people tell a story, over all versions. Not ReporterContact, which is
# there to hold an address, and not the short texts: places, products, report numbers.
LONG_TEXTS: Final = {
    "AdverseEventAgent": ("BuiltEnviornmentInvolved",),
    "AdverseEventOutcome": ("ImmediateActions", "WentWell"),
    "AdverseEventRiskDetails": ("RiskDescription", "RiskPopulation"),
    "AdverseEventWentWell": ("StrengthsOfCare", "HowFutureOccurrence"),
    "AdverseEventProblem": (
        "ProblemDescriptionInvolvement",
        "ProblemDescriptionActions",
        "ProblemDescriptionDevices",
        "ProblemDescriptionDrugs",
        "ProblemDescriptionFurnitureFittings",
        "ProblemDescriptionBuiltEnvironment",
        "ProblemDescriptionBlood",
        "ProblemDescriptionTissuesOrgans",
        "ProblemDescriptionSystemsSoftware",
    ),
    "AdverseEventProblemBuildingsInfrastructure": ("BuildingsInfrastructureProblem",),
    "AdverseEventProblemEstatesServices": ("EstatesServicesProblem",),
    "AdverseEventProblemBlood": ("BloodProblem",),
    "AdverseEventProblemBloodProducts": ("BloodProductsProblem", "BloodProductsDetails"),
    "AdverseEventProblemMedication": ("ProblemDescriptionDrugs",),
    "AdverseEventProblemPeople": ("ProblemDescriptionInvolvement", "ProblemDescriptionActions"),
    "AdverseEventProblemDevices": ("ProblemDescriptionDevices",),
    "AdverseEventProblemTissuesOrgans": ("ProblemDescriptionTissuesOrgans",),
    "AdverseEventProblemITSystems": ("ProblemDescriptionSystemsSoftware",),
    "PatientInformation": ("ClinicalOutcome",),
}


def free_text_names_nobody(event: NationalEvent, submission: Submission) -> list[Finding]:
    # Most events have nothing to be found, which is told at once of all their texts together.
    if not may_identify("\n".join([text for text, _, _, _ in _find_texts(event)])):
        return []
    findings: list[Finding] = []
    for text, name, position, element in _find_texts(event):
        place = name if position < 0 else f"{name}[{position}]"
        _search(text, findings, place, element)
    return findings


def _find_texts(event: NationalEvent) -> list[tuple[str, str, int, str]]:
    """Each text with its group, the place of that in a list (-1: there is none), its element."""
    texts = [(event.narrative, "narrative", -1, "")] if event.narrative else []
    groups = event.groups
    for name, elements in LONG_TEXTS.items():
        if name not in groups:
            continue
        found = groups[name]
        if isinstance(found, dict):
            _add_texts(found, elements, texts, name)
        else:
            for position, group in enumerate(found):
                _add_texts(group, elements, texts, name, position)
    return texts


def _add_texts(
    group: Group,
    elements: tuple[str, ...],
    texts: list[tuple[str, str, int, str]],
    name: str,
    position: int = -1,
) -> None:
    for element in elements:
        if element in group:
            text = group[element]
            if isinstance(text, str):
                texts.append((text, name, position, element))


def _search(text: str, findings: list[Finding], place: str, element: str = "") -> None:
    counts: list[tuple[FindingCode, int]] = []
    if has_number(text):
        counts.append((codes.NHS_NUMBER_IN_TEXT, count_nhs_numbers(text)))
        counts.append((codes.TELEPHONE_IN_TEXT, count_telephones(text)))
        counts.append((codes.POSTCODE_IN_TEXT, count_postcodes(text)))
    if "@" in text:
        counts.append((codes.EMAIL_IN_TEXT, count_emails(text)))
    if has_title(text):
        counts.append((codes.NAME_IN_TEXT, count_names(text)))
    for code, count in counts:
        if count:
            path = f"{place}.{element}" if element else place
            findings.append(code.at(path, count=count))
