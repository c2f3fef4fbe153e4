"""The receipt of a batch: built from the store, and written as JSON, CSV or text."""
