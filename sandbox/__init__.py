"""A pretend tenant for trying out and for tests: Microsoft Graph over HTTP on loopback. Nothing real is ever called."""
