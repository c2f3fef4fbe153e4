"""Every rule between elements, one function each, named as the sentence it enforces, and which of
them can find anything in an event.

An event is of one of four types and has a dozen of some thirty groups, so most rules have nothing
to look at. Which have follows from its version, its type and the names of its groups alone, and is
worked out once for each combination.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, PATIENTS, RISK
from validation.organisations import get_elements
from validation.rules import (
    dates,
    details,
    event_type,
    free_text,
    governance,
    harm,
    location,
    narrative,
    organisations,
    other_texts,
    patients,
    problem_groups,
)
from validation.rules.rule import Rule


class Scope(NamedTuple):
    """Where a rule may find something: in events of ``event_type`` (empty: of each) that have one
    of ``groups`` (none: whatever they have), or one that ``table`` names for their version."""

    groups: frozenset[str] = frozenset()
    event_type: str = ""
    table: Callable[[str], tuple[tuple[str, Any], ...]] | None = None

    def holds(self, version: str, event_type: str, groups: tuple[str, ...]) -> bool:
        if self.event_type not in ("", event_type):
            return False
        if self.table is not None:
            return any(name in groups for name, _ in self.table(version))
        return not self.groups or not self.groups.isdisjoint(groups)


EVERYWHERE: Final = Scope()


def _in(*groups: str) -> Scope:
    return Scope(frozenset(groups))


# In the order in which findings are told.
RULES: Final[tuple[tuple[Scope, tuple[Rule, ...]], ...]] = (
    (
        Scope(table=get_elements),
        (
            organisations.the_source_may_submit_for_the_reporter,
            organisations.every_organisation_is_in_the_register,
        ),
    ),
    (
        EVERYWHERE,
        (
            narrative.the_narrative_is_given_where_it_is_needed,
            narrative.the_narrative_says_something,
        ),
    ),
    (
        Scope(event_type=INCIDENT),
        (
            event_type.an_incident_names_what_was_involved,
            event_type.an_incident_names_its_safety_challenges,
        ),
    ),
    (
        Scope(event_type=RISK),
        (event_type.a_risk_says_whether_it_is_imminent, event_type.a_risk_is_described),
    ),
    (Scope(event_type=OUTCOME), (event_type.an_outcome_has_a_type,)),
    (Scope(event_type=GOOD_CARE), (event_type.good_care_says_how_it_can_happen_again,)),
    (
        EVERYWHERE,
        (dates.the_event_is_not_in_the_future, dates.the_event_is_not_older_than_the_nhs),
    ),
    (
        _in(dates.GROUP),
        (
            dates.an_event_of_today_has_the_day_of_recording_as_its_date,
            dates.an_event_of_another_day_has_a_date,
            dates.an_approximate_date_is_a_month_or_a_year_of_the_past,
            dates.the_time_is_precise_or_estimated_but_not_both,
        ),
    ),
    (_in(location.GROUP), (location.another_location_is_named,)),
    (
        _in(PATIENTS),
        (
            patients.patients_are_numbered_from_one_without_gaps,
            patients.age_is_in_the_national_encoding,
            patients.age_is_exact_or_in_a_bracket_but_not_both,
            harm.the_dead_have_no_grade_of_psychological_harm,
            harm.association_is_graded_only_for_severe_harm,
        ),
    ),
    (
        _in(governance.CHALLENGES),
        (
            governance.a_radiotherapy_code_needs_a_radiotherapy_incident,
            governance.a_screening_reference_needs_a_screening_incident,
        ),
    ),
    (
        _in(governance.GOVERNANCE),
        (
            governance.a_never_event_type_needs_a_never_event,
            governance.a_never_event_has_a_type,
            governance.cqc_criteria_need_a_notification,
        ),
    ),
    (_in(problem_groups.SINGLE_GROUP), (problem_groups.a_problem_of_version_4_has_its_agent,)),
    (_in(*problem_groups.AGENT_OF_GROUP), (problem_groups.a_problem_has_its_agent,)),
    (Scope(table=details.get_details), (details.a_detail_has_its_factor,)),
    (
        Scope(table=other_texts.get_pairs),
        (other_texts.the_code_other_has_its_text, other_texts.the_text_of_other_has_its_code),
    ),
    (EVERYWHERE, (free_text.free_text_names_nobody,)),
)


@lru_cache(maxsize=4096)
def select_rules(version: str, event_type: str, groups: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules that may find something in an event of that version (a known one) and type with
    those groups, in order."""
    return tuple(
        rule for scope, rules in RULES if scope.holds(version, event_type, groups) for rule in rules
    )
