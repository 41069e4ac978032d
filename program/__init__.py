"""What `app.py` starts: the bot, real or in its pretend tenant, and the commands beside it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
