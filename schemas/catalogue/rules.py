"""Finding codes of the rules between elements (RULE-NNN)."""
