"""The file in which somebody is given what is kept about them."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_new(path: Path, content: Mapping[str, Any]) -> None:
    """Readable for whoever runs this and for nobody else. Raises OSError, and never writes over another file."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
