"""The map from Penn Treebank tags to twelve universal tags (Petrov, Das and McDonald 2012) that NLTK looks for."""

from __future__ import annotations

from pathlib import Path

FILE = "en-ptb.map"
SOURCE = "Petrov, Das and McDonald 2012"

UNIVERSAL = {
    ".": "! # $ '' ( ) , -LRB- -RRB- . : ? ``",
    "ADJ": "JJ JJR JJRJR JJS JJ|RB JJ|VBG",
    "ADP": "IN IN|RP",
    "ADV": "RB RBR RBS RB|RP RB|VBG WRB",
    "CONJ": "CC",
    "DET": "DT EX PDT WDT",
    "NOUN": "NN NNP NNPS NNS NN|NNS NN|SYM NN|VBG NP",
    "NUM": "CD",
    "PRON": "PRP PRP$ PRP|VBP WP WP$",
    "PRT": "POS PRT RP TO",
    "VERB": "MD VB VBD VBD|VBN VBG VBG|NN VBN VBP VBP|TO VBZ VP",
    "X": "CD|RB FW LS RN SYM UH WH",
}
"""Universal tag -> the Penn Treebank tags it covers; `NN|VBG` is how the treebank writes an ambiguous tag."""


def write_tagset(folder: Path) -> str:
    """Write the map into `folder` as NLTK reads it; return the source in words."""
    rows = sorted(f"{fine}\t{coarse}\n" for coarse, tags in UNIVERSAL.items() for fine in tags.split())
    (folder / FILE).write_text("".join(rows), encoding="utf-8")
    return SOURCE
