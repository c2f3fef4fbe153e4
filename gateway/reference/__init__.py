"""Reference data of others, fetched over FHIR: the register of organisations, the taxonomy."""
