"""Whether the tables are those of this version of the program."""

from pathlib import Path

import psycopg
from alembic.config import Config
from alembic.script import ScriptDirectory

from adapters.database import embedded, migrate
from tests.adapters.postgres import postgres
from tests.builders import ROOT


def test_the_newest_migration_is_the_only_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.head()]


def test_a_database_is_current_only_once_it_is_migrated() -> None:
    with postgres() as url, psycopg.connect(url, autocommit=True) as connection:
        assert migrate.is_current(url)
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        assert not migrate.is_current(url)


def test_an_empty_database_is_not_current(tmp_path: Path) -> None:
    url = embedded.start(tmp_path / "pg")
    assert not migrate.is_current(url)
    migrate.migrate(url)
    assert migrate.is_current(url)
