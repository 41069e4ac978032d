"""The only folder that imports Bot Framework: activities come in and messages go out here, in our own types."""
