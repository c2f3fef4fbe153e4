"""Finding codes of the rules between elements (RULE-NNN)."""

from schemas.finding import FindingCode
