"""Finding codes of reading a feed: the file, its encoding, its records as such (READ-NNN)."""
