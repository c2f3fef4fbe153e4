"""National event → findings: the taxonomy, the rules between elements, the organisations. Pure."""
