"""Writes the pages of the documentation that are made from code: `make docs`."""

from domain.permissions import as_markdown
from tests.builders import ROOT

if __name__ == "__main__":
    (ROOT / "docs" / "permissions.md").write_text(as_markdown(), encoding="utf-8")
