"""Finding codes of the narrative (TEXT-NNN)."""

from schemas.finding import FindingCode
