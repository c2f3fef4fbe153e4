"""FHIR as the gateway sends it: built here, and checked by fhir.resources before it leaves."""
