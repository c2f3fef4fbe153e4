"""Finding codes of the taxonomy: cardinality, type and code list of every element (TAX-NNN)."""
