"""The nouns of the gateway: events, records, findings, statuses, identifiers. No I/O, no clock."""
