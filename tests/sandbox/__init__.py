"""The pretend tenant, called over real HTTP as Graph's clients and curious people call it."""
