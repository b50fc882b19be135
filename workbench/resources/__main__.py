"""Prepare the NLTK root and say what is there: `python -m workbench.resources [--apt] [--online] [--fresh]`.

Exits with 0 whenever the rest of the workbench can run, also without WordNet; 2 where a source is damaged or the folder
cannot be written.
"""

from __future__ import annotations

import argparse
import sys

from workbench import home
from workbench.errors import WorkbenchError
from workbench.resources.inventory import status
from workbench.resources.nltk_root import prepare_nltk_root
from workbench.resources.wordnet import debian_packages, nltk_download


def main(arguments: list[str] | None = None) -> int:
    """Run the command line of this module and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m workbench.resources", description="Prepare the NLTK root.")
    parser.add_argument("--apt", action="store_true", help="fetch WordNet with apt-get download if it is missing")
    parser.add_argument("--online", action="store_true", help="fetch WordNet from NLTK's server if it is missing")
    parser.add_argument("--fresh", action="store_true", help="build again what is there")
    asked = parser.parse_args(arguments)
    fetches = ((debian_packages,) if asked.apt else ()) + ((nltk_download,) if asked.online else ())
    try:
        reasons = prepare_nltk_root(fetches=fetches, fresh=asked.fresh)
    except WorkbenchError as error:
        _say(f"error: {error}", error=True)
        return 2
    resources = status()
    missing = [resource for resource in resources if not resource.present]
    _say(f"Resources in {home.home()}: {len(resources) - len(missing)} of {len(resources)} ready.")
    for resource in missing:
        _say(f"  missing: {resource.name} ({reasons.get(resource.name, resource.detail)})")
        _say(f"    without it: no {resource.switches_off}")
        _say(f"    to get it:  {resource.how_to_get}")
    return 0


def _say(line: str, *, error: bool = False) -> None:
    (sys.stderr if error else sys.stdout).write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
