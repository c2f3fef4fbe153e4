"""What was a problem must be among the things that were involved."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from schemas.catalogue import rules as codes
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from schemas.taxonomy import get_taxonomy
from validation.rules.rule import NOTHING

AGENTS = ("AdverseEventAgent", "InvolvedAgents")
AGENT_OF_GROUP: Final = {
    "AdverseEventProblemMedication": "4",
    "AdverseEventProblemDevices": "3",
    "AdverseEventProblemITSystems": "9",
    "AdverseEventProblemBuildingsInfrastructure": "13",
    "AdverseEventProblemEstatesServices": "14",
    "AdverseEventProblemBlood": "11",
    "AdverseEventProblemBloodProducts": "12",
    "AdverseEventProblemTissuesOrgans": "8",
    "AdverseEventProblemPeople": "10",
}
# Version 4 has one group for every problem. What its element names hold says the agent; not
# DrugReaction, whose codes (yellow card criteria) are about medicines and devices alike.
SINGLE_GROUP = "AdverseEventProblem"
AGENT_OF_WORD: Final = (
    ("DrugReaction", None),
    ("Drug", "4"),
    ("Medication", "4"),
    ("InvolvedProcesses", "4"),
    ("Device", "3"),
    ("FurnitureFittings", "5"),
    ("BuiltEnvironment", "6"),
    ("Blood", "7"),
    ("Organs", "8"),
    ("ITSystems", "9"),
    ("SystemsSoftware", "9"),
    ("People", "10"),
    ("ProblemDescriptionInvolvement", "10"),
    ("ProblemDescriptionActions", "10"),
)


def a_problem_has_its_agent(event: NationalEvent, submission: Submission) -> Iterable[Finding]:
    given, groups = event.codes(*AGENTS), event.groups
    return [
        _find(event, group, agent)
        for group, agent in AGENT_OF_GROUP.items()
        if group in groups and agent not in given
    ]


def a_problem_of_version_4_has_its_agent(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    """One finding an agent, at the first of its elements."""
    if event.taxonomy_version != "4":
        return NOTHING
    given, problem = event.codes(*AGENTS), event.group(SINGLE_GROUP)
    lacking: dict[str, str] = {}
    for element, agent in get_agent_of_element().items():
        if element in problem and agent not in given:
            lacking.setdefault(agent, element)
    return [_find(event, f"{SINGLE_GROUP}.{element}", agent) for agent, element in lacking.items()]


@lru_cache
def get_agent_of_element() -> dict[str, str]:
    """The agent of each element of version 4's one problem group, in the order of the group."""
    agents = {}
    for element in get_taxonomy("4").by_name[SINGLE_GROUP].elements:
        agent = next((agent for word, agent in AGENT_OF_WORD if word in element.name), None)
        if agent is not None:
            agents[element.name] = agent
    return agents


def _find(event: NationalEvent, path: str, agent: str) -> Finding:
    label = get_taxonomy(event.taxonomy_version).code_systems["agent-type"].codes.get(agent, "")
    return codes.PROBLEM_WITHOUT_AGENT.at(path, agent=agent, label=label)
