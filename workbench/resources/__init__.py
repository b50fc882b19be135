"""What the workbench needs beyond Python packages: data carriers and an NLTK root, and how to prepare them.

`python -m workbench.resources` prepares the NLTK root from what is installed; it downloads only when asked to.
"""

from __future__ import annotations

from workbench.resources.inventory import Resource, status
from workbench.resources.nltk_root import activate, prepare_nltk_root, using_nltk_root

__all__ = ["Resource", "activate", "prepare_nltk_root", "status", "using_nltk_root"]
