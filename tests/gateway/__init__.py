"""The gateway over real HTTP, against the pretend Microsoft side."""
