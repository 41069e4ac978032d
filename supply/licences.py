"""`make licences`: writes docs/licences.md out of what is installed. A test says when it is out of date."""

from supply.packages import ROOT, RUNNING, TESTING, Package, installed

FILE = ROOT / "docs" / "licences.md"
_BEFORE = """# Licences

What the packages say about themselves. `make licences` writes this page; a test compares it with what is installed.
The reason for each package that we chose ourselves is in [decision 5](decisions/0005-libraries.md).

"""
_RUNNING = "## In production\n\n"
_TESTING = "\n## For development and tests only\n\n"


def page() -> str:
    running = tuple(installed(RUNNING))
    known = {package.name for package in running}
    testing = tuple(package for package in installed(TESTING) if package.name not in known)
    return _BEFORE + _RUNNING + _table(running) + _TESTING + _table(testing)


def _table(packages: tuple[Package, ...]) -> str:
    rows = "".join(f"| {one.name} | {one.version} | {one.licence} |\n" for one in packages)
    return f"| Package | Version | Licence |\n| --- | --- | --- |\n{rows}"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
