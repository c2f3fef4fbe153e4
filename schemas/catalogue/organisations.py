"""Finding codes of organisations: known, open, and allowed to the source (ORG-NNN)."""

from schemas.finding import FindingCode
