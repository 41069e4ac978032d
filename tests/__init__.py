"""Everything that is checked; `tests.microsoft` is the pretend Microsoft that the others talk to."""
