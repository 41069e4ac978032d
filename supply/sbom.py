"""`make sbom`: a CycloneDX bill of materials of what runs in production, the same each time for the same pins."""

import json
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

from supply.packages import ROOT, RUNNING, Package, installed

_SPACE = uuid.UUID("6f0c2f9e-6d0b-5d3a-9a55-0d6f6a1c7a10")


def bill() -> dict[str, Any]:
    """https://cyclonedx.org/docs/1.6/json/"""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = tuple(installed(RUNNING))
    names = {package.name: _purl(package) for package in packages}
    own = f"{project['name']}@{project['version']}"
    components = [_component(package) for package in packages]
    graph = [{"ref": own, "dependsOn": sorted(names.values())}]
    graph += [
        {"ref": names[package.name], "dependsOn": sorted({names[name] for name in package.needs if name in names})}
        for package in packages
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, json.dumps(components, sort_keys=True))}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
            }
        },
        "components": components,
        "dependencies": graph,
    }


def _purl(package: Package) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def _component(package: Package) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _purl(package),
        "name": package.name,
        "version": package.version,
        "purl": _purl(package),
        "licenses": [{"license": {"name": package.licence}}],
    }
    if package.home:
        component["externalReferences"] = [{"type": "website", "url": package.home}]
    return component


def main(arguments: list[str]) -> None:
    file = Path(arguments[0])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bill(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
