"""A detail of what went wrong needs the factor it details.

Worked out on 2026-11-22 from element names and code labels of versions 4, 5 and 6; only where the
labels make the factor plain. Left out: PeopleIncorrectDetails, PeopleNotInvolvedDetails,
DrugWrongUsageDetails and DrugWrongDetails of version 4, whose codes fit several factors or none;
InvolvedProcesses, which any factor may have; and what version 6 adds without a code list.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from schemas.catalogue import rules as codes
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from schemas.taxonomy import get_taxonomy
from validation.rules.rule import has_any

# Detail, its factor, the factor's code; in the comment that code's label (version 5, else 4).
FACTOR_OF_DETAIL: Final = (
    # Too much medication was prescribed/dispensed/administered
    ("DrugUsedTooMuch", "DrugInvolvementFactors", "1"),
    # Too little medication was prescribed/dispensed/administered
    ("DrugInsufficientDetails", "DrugInvolvementFactors", "2"),
    # The medication was prescribed/dispensed/administered incorrectly
    ("MedicationAdministeredIncorrectly", "DrugInvolvementFactors", "3"),
    # Something was wrong with the medication and/or it's packaging
    ("ProblemMedicationPackaging", "DrugInvolvementFactors", "4"),
    # The device was used when it should not have been
    ("DeviceUsedUnnecessarily", "DeviceInvolvementFactors", "1"),
    # The device was not used when it should have been
    ("DeviceInsufficientDetails", "DeviceInvolvementFactors", "2"),
    # The device was used incorrectly
    ("DeviceWrongUsageDetails", "DeviceInvolvementFactors", "3"),
    # The device was available but broken, not fit for use or didn't perform as expected
    ("DeviceBrokenDetails", "DeviceInvolvementFactors", "4"),
    # There were people absent who were required
    ("PeopleUnavailableDetails", "PeopleInvolvementFactors", "2"),
    # People did too much of something
    ("PeopleActionTooMuch", "PeopleActionFactors", "1"),
    # People did too little of something
    ("PeopleInsufficientActionDetails", "PeopleActionFactors", "2"),
    # People did one thing when they meant to do another
    ("PeopleWrongActionDetails", "PeopleActionFactors", "3"),
    # People did not do something they should have
    ("PeopleOmittedActionDetails", "PeopleActionFactors", "4"),
    # Buildings or infrastructure were not used or present when they should have been
    ("BuildingsInfrastructureNotUsed", "BuildingsInfrastructureInvolved", "2"),
    # The wrong buildings or infrastructure were used or present
    ("WrongBuildingsInfrastructure", "BuildingsInfrastructureInvolved", "3"),
    # Estates services were not used or present when they should have been
    ("EstatesServicesNotUsed", "EstatesServicesInvolved", "2"),
    # The wrong estates services were used or present
    ("WrongEstatesServices", "EstatesServicesInvolved", "3"),
    # Too much blood was used
    ("TooMuchBloodUsed", "BloodInvolved", "1"),
    # Too little blood was used
    ("TooLittleBloodUsed", "BloodInvolved", "2"),
    # The wrong blood was used in place of the correct blood
    ("WrongBlood", "BloodInvolved", "3"),
    # Blood was not used when it should have been
    ("BloodWasNotUsed", "BloodInvolved", "4"),
    # Blood was available but damaged or not fit for use
    ("DamagedBlood", "BloodInvolved", "5"),
    # Too great an amount of blood products were used
    ("TooMuchBloodProducts", "BloodProductsInvolved", "1"),
    # Too small an amount of blood products were used
    ("TooLittleBloodProducts", "BloodProductsInvolved", "2"),
    # The wrong blood products were used in place of the correct ones
    ("WrongBloodProducts", "BloodProductsInvolved", "3"),
    # Blood products were not used when they should have been
    ("BloodProductsNotUsed", "BloodProductsInvolved", "4"),
    # Blood products were available but damaged or not fit for use
    ("DamagedBloodProducts", "BloodProductsInvolved", "5"),
    # Too much/many tissues or organs for transplant were used
    ("TissueOrgansUsedTooMuch", "TissueOrgansInvolvementFactors", "1"),
    # Too few/little tissues or organs for transplant were used
    ("TissueOrgansInsufficientDetails", "TissueOrgansInvolvementFactors", "2"),
    # The wrong tissues or organs for transplant were used
    ("TissueOrgansWrongDetails", "TissueOrgansInvolvementFactors", "3"),
    # Tissues or organs for transplant were not used when they should have been
    ("TissueOrgansNotUsed", "TissueOrgansInvolvementFactors", "4"),
    # Tissues or organs for transplant were available but damaged or unfit for use
    ("TissuesOrgansDamagedDetails", "TissueOrgansInvolvementFactors", "5"),
    # Furniture or fittings were not used or present when they should have been
    ("FurnitureFittingsNotUsed", "FurnitureFittingsInvolvementFactors", "2"),
    # The wrong furniture or fittings were used or present
    ("FurnitureFittingsWrongUsageDetails", "FurnitureFittingsInvolvementFactors", "3"),
    # Furniture or fittings were broken or not fit for purpose
    ("FurnitureFittingsBrokenDetails", "FurnitureFittingsInvolvementFactors", "4"),
    # Too great an amount of blood or blood products were used
    ("BloodProductsUsedTooMuch", "BloodProductsInvolvementFactors", "1"),
    # Too small an amount of blood or blood products were used
    ("BloodProductsInsufficientDetails", "BloodProductsInvolvementFactors", "2"),
    # The wrong blood or blood products were used in place of the correct ones
    ("BloodProductsWrongDetails", "BloodProductsInvolvementFactors", "3"),
    # Blood or blood products were not used when they should have been
    ("BloodNotUsed", "BloodProductsInvolvementFactors", "4"),
    # Blood or blood products were available but damaged or not fit for use
    ("BloodProductsDamagedDetails", "BloodProductsInvolvementFactors", "5"),
    ("ProblemWithBloodProducts", "BloodProductsInvolvementFactors", "5"),
)


# Detail element, its factor, the factor's code and that code's label.
Detail = tuple[str, str, str, str]


def a_detail_has_its_factor(event: NationalEvent, submission: Submission) -> Iterable[Finding]:
    findings: list[Finding] = []
    groups = event.groups
    for group, details in get_details(event.taxonomy_version):
        given = groups.get(group)
        if not isinstance(given, dict):
            continue
        for detail, parent, factor, label in details:
            if detail in given and not has_any(given.get(parent), (factor,)):
                path = f"{group}.{detail}"
                findings.append(
                    codes.DETAIL_WITHOUT_FACTOR.at(
                        path, element=detail, parent=parent, factor=factor, label=label
                    )
                )
    return findings


@lru_cache
def get_details(version: str) -> tuple[tuple[str, tuple[Detail, ...]], ...]:
    """The rows of the table that the version knows, by group."""
    taxonomy = get_taxonomy(version)
    found = []
    for group in taxonomy.groups:
        details: list[Detail] = []
        for detail, parent, factor in FACTOR_OF_DETAIL:
            spec = group.by_name.get(parent)
            labels = taxonomy.codes_of(spec) if spec else None
            if detail in group.by_name and labels:
                details.append((detail, parent, factor, labels[factor]))
        if details:
            found.append((group.name, tuple(details)))
    return tuple(found)
