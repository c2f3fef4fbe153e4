"""Finding codes of the narrative (TEXT-NNN)."""
