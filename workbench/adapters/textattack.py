"""TextAttack: published attack recipes searching against any function from texts to scores.

The only module that imports textattack, lazily, because that import has side effects: it tries to download corpora,
redirects the caches of other libraries, switches on tokenizer parallelism (a process that forks later then hangs) and
needs flair, langdetect and NLTK's stopwords. All of this is forestalled or undone here.

Morris et al. 2020, "TextAttack: A Framework for Adversarial Attacks, Data Augmentation, and Adversarial Training in
NLP".
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from workbench import home
from workbench.adapters import flair_standin
from workbench.adapters.near_words import VECTORS
from workbench.adapters.textattack_gradients import Spent
from workbench.adapters.textattack_recipes import build
from workbench.adapters.textattack_victim import Scores, Victim, refuse_separator, unknown_to_textattack
from workbench.adapters.turns import turn
from workbench.adapters.word_gradients import WhiteBox
from workbench.data.manifest import model_folder
from workbench.data.vectors import vector_files
from workbench.errors import MissingResource
from workbench.models.sentences import ENCODER
from workbench.resources import activate
from workbench.resources.wordnet import HOW_TO_GET

_INSTALL = "pip install 'trust-workbench[attacks]', then pip install --no-deps textattack==0.3.11"
_IMPORT = threading.Lock()
"""Two threads must not import TextAttack at once: its import changes the environment and gives it back."""


class Search(NamedTuple):
    """How a search ended."""

    rewritten: str | None
    """The first text found that is decided otherwise; None where none was found."""
    queries: int
    """Texts scored, the original included, and gradients; repeated ones count again, as in TextAttack."""
    exhausted: bool
    """The search ended because the budget was spent."""


def require_textattack() -> None:
    """Import TextAttack and see that it can work.

    Raises:
        MissingResource: TextAttack, one of its undeclared needs, or NLTK's stopwords are absent.
    """
    textattack_module()


def require_wordnet() -> None:
    """See that NLTK finds WordNet. Raises `MissingResource`."""
    _require_nltk(
        lambda nltk: nltk.corpus.wordnet.ensure_loaded(),
        f"attacks with synonyms need WordNet, which is not in the prepared NLTK root: {HOW_TO_GET}",
    )


def require_near_words() -> None:
    """See that word vectors, sentence encoder and part-of-speech tagger are there.

    Raises `MissingResource`, `Untrusted`.
    """
    vector_files(VECTORS)
    require_encoder_and_tagger()


def require_encoder_and_tagger() -> None:
    """See that sentence encoder and part-of-speech tagger are there. Raises `MissingResource`, `Untrusted`."""
    model_folder(ENCODER)
    _require_nltk(
        lambda nltk: nltk.pos_tag(["word"], tagset="universal", lang="eng"),
        "attacks that keep a word's part of speech need NLTK's tagger: run `make setup`, or `workbench doctor` to "
        "see what is missing",
    )


def search(
    recipe: str, scores: Scores, text: str, label: int, *, budget: int, seed: int, white: WhiteBox | None = None
) -> Search:
    """Run the attack `recipe`, see `textattack_recipes`, on `text` until its decision is not `label` any more.

    Only its query budget and the size of its batches are set here. It draws from the process-wide generators, seeded
    with `seed`; any number of searches may be under way at once (see `turns`), and each asks for a whole step's texts
    in one call. `white` is what attacks need that follow gradients.

    Raises:
        MissingResource: as `require_textattack`.
        ValueError: see `refuse_separator`; also where `text` is not decided as `label`.
        Exception: whatever TextAttack raises on a text that it cannot handle.
    """
    textattack = textattack_module()
    refuse_separator(text)
    with turn(seed) as own:
        victim = Victim(scores, own, white)
        with unknown_to_textattack():
            attack = build(textattack, recipe, victim)
        goal = attack.goal_function
        goal.query_budget = budget
        goal.batch_size = budget  # one call per step of the search: the model makes its own batches
        victim.goal = goal
        try:
            result = attack.attack(text, label)
        except Spent:
            return Search(rewritten=None, queries=goal.num_queries, exhausted=True)
        if isinstance(result, textattack.attack_results.SkippedAttackResult):
            raise ValueError("the text is not decided as `label` to begin with")
        succeeded = isinstance(result, textattack.attack_results.SuccessfulAttackResult)
        return Search(
            rewritten=result.perturbed_result.attacked_text.text if succeeded else None,
            queries=goal.num_queries,
            exhausted=not succeeded and goal.num_queries >= budget,
        )


def textattack_module() -> Any:
    """Return the module textattack, imported without its side effects."""
    with _IMPORT:
        return _imported()


def _imported() -> Any:
    if "textattack" in sys.modules:
        return sys.modules["textattack"]
    if importlib.util.find_spec("textattack") is None:
        raise MissingResource(f"attacks need TextAttack, which is not installed: {_INSTALL}")
    import transformers  # noqa: F401 - first, so that it has read its cache folder from the variables that TextAttack changes

    _require_nltk(
        lambda nltk: nltk.corpus.stopwords.words("english"),
        "attacks need NLTK's stopwords, which are not in the prepared NLTK root: run `make setup`, "
        "or `workbench doctor` to see what is missing",
    )
    flair_standin.install()
    with _environment_given_back(TA_CACHE_DIR=_cache()), warnings.catch_warnings():
        # Its many dependencies warn about each other at import; nothing of ours runs inside this block.
        warnings.simplefilter("ignore")
        try:
            textattack = importlib.import_module("textattack")
        except ImportError as error:
            for name in [name for name in sys.modules if name.split(".")[0] == "textattack"]:
                del sys.modules[name]
            raise MissingResource(f"TextAttack cannot be imported ({error}): {_INSTALL}") from error
    for logger in ("textattack.shared.utils.install", "jieba"):  # they tell what they load
        logging.getLogger(logger).setLevel(logging.ERROR)
    return textattack


def _require_nltk(look: Callable[[Any], object], missing: str) -> None:
    """Put the prepared root first on NLTK's path and `look` there. Raises `MissingResource` with what is `missing`."""
    import nltk

    activate()
    try:
        look(nltk)
    except LookupError as error:
        raise MissingResource(missing) from error


def _cache() -> str:
    """Return a cache folder of our own holding the file that tells TextAttack that its downloads have been done."""
    folder = home.home() / "textattack"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "post_install_check_3").touch()
    except OSError as error:
        raise MissingResource(
            f"TextAttack needs a folder that it can write to, and {folder} is not ({error.strerror}): "
            "set WORKBENCH_HOME to one that is"
        ) from error
    return str(folder)


@contextmanager
def _environment_given_back(**changes: str) -> Iterator[None]:
    """Set environment variables inside the block and afterwards give the environment back as it was."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
