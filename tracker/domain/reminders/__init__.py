"""When each kind of deadline is worth a word, one file per kind."""
