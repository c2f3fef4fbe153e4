"""Finding codes of organisations: known, open, and allowed to the source (ORG-NNN)."""
