"""Every rule between elements, one function each, named as the sentence it enforces."""

from typing import Final

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

ALWAYS: Final = ""

# In the order in which findings are told. Rules stand under the group they are about, so that an
# event without the group does not pay for them; under ALWAYS those that look at the whole event.
RULES: Final[tuple[tuple[str, tuple[Rule, ...]], ...]] = (
    (
        ALWAYS,
        (
            organisations.the_source_may_submit_for_the_reporter,
            organisations.every_organisation_is_in_the_register,
            narrative.the_narrative_is_given_where_it_is_needed,
            narrative.the_narrative_says_something,
            event_type.an_incident_names_what_was_involved,
            event_type.an_incident_names_its_safety_challenges,
            event_type.a_risk_says_whether_it_is_imminent,
            event_type.a_risk_is_described,
            event_type.an_outcome_has_a_type,
            event_type.good_care_says_how_it_can_happen_again,
            dates.the_event_is_not_in_the_future,
            dates.the_event_is_not_older_than_the_nhs,
        ),
    ),
    (
        "AdverseEventEstimatedDate",
        (
            dates.an_event_of_today_has_the_day_of_recording_as_its_date,
            dates.an_event_of_another_day_has_a_date,
            dates.an_approximate_date_is_a_month_or_a_year_of_the_past,
            dates.the_time_is_precise_or_estimated_but_not_both,
        ),
    ),
    ("LocationDetails", (location.another_location_is_named,)),
    (
        "PatientInformation",
        (
            patients.patients_are_numbered_from_one_without_gaps,
            patients.age_is_in_the_national_encoding,
            patients.age_is_exact_or_in_a_bracket_but_not_both,
            harm.the_dead_have_no_grade_of_psychological_harm,
            harm.association_is_graded_only_for_severe_harm,
        ),
    ),
    (
        "AdverseEventSafetyChallenges",
        (
            governance.a_radiotherapy_code_needs_a_radiotherapy_incident,
            governance.a_screening_reference_needs_a_screening_incident,
        ),
    ),
    (
        "AdverseEventGovernance",
        (
            governance.a_never_event_type_needs_a_never_event,
            governance.a_never_event_has_a_type,
            governance.cqc_criteria_need_a_notification,
        ),
    ),
    ("AdverseEventProblem", (problem_groups.a_problem_of_version_4_has_its_agent,)),
    (
        ALWAYS,
        (
            problem_groups.a_problem_has_its_agent,
            details.a_detail_has_its_factor,
            other_texts.the_code_other_has_its_text,
            other_texts.the_text_of_other_has_its_code,
            free_text.free_text_names_nobody,
        ),
    ),
)
