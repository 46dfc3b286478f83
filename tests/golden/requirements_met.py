"""Ends with 0 if this Python has what requirements.txt lists, each in its version; else says what it lacks and ends with 1."""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def lacking(requirement: str) -> str | None:
    name, wanted = requirement.split("==")
    try:
        found = version(name)
    except PackageNotFoundError:
        return f"{name} is not installed"
    return None if found == wanted else f"{name} is {found}, not {wanted}"


lines = Path(__file__).with_name("requirements.txt").read_text().splitlines()
faults = [fault for line in lines if "==" in line and (fault := lacking(line))]
if faults:
    sys.exit("\n".join(faults))
