"""The libraries as their documentation shows them, on a checkpoint loaded by transformers: nothing of ours in between.

The only module of the benchmark that imports them, inside its functions.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from workbench.adapters.families import ATTACKS
from workbench.adapters.textattack import require_textattack
from workbench.adapters.turns import turn
from workbench.bench.inputs import STREAMS, Case
from workbench.models.protocols import FloatArray
from workbench.models.quiet import quiet_transformers

BAD_CHARACTERS = {"invisible_characters": "invisible", "reorderings": "reorderings"}
"""Recipe -> what TextAttack's own calls it."""
_PERTURBATIONS = 3
"""Of a text, as in ours."""

SAMPLES = 1000
STEPS = 50
BATCH = 32


class Ended(NamedTuple):
    """How an attack on one text ended."""

    outcome: str
    """'succeeded', 'resisted' or 'skipped'"""
    rewritten: str | None


class Integrated(NamedTuple):
    """Integrated gradients of one text."""

    scores: FloatArray
    gap: float
    """Relative completeness gap."""


class Stock:
    """A checkpoint as a user of these libraries would load it."""

    def __init__(self, folder: Path, device: str) -> None:
        """Load network and tokenizer from `folder` with transformers' own classes."""
        from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

        with quiet_transformers():
            self.network: Any = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
            self.network = self.network.eval().to(device)
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self.pipeline: Any = pipeline(
                "text-classification", model=self.network, tokenizer=self.tokenizer, device=device, top_k=None
            )
            # Now, and not while the first repetition is timed.
            with _quiet():
                import captum.attr  # noqa: F401
                import lime.lime_text  # noqa: F401
                import shap  # noqa: F401
        self.columns = {name: int(column) for name, column in self.network.config.label2id.items()}
        self.stated_length = int(self.tokenizer.model_max_length)
        """Tokens, as the tokenizer states it; a huge number where it states none."""
        self.positions = int(getattr(self.network.config, "max_position_embeddings", 0))
        """Tokens that the network can read; 0 where it does not say."""

    def attack(
        self,
        cases: Sequence[Case],
        *,
        recipe: str = "deepwordbug",
        budget: int | None = None,
        dynamic: bool = False,
        padded_to: int | None = None,
    ) -> list[Ended]:
        """Run TextAttack's recipe on one text after the other, with its wrapper for Hugging Face models.

        `recipe`: as in `families.ATTACKS`, one that TextAttack has, too; of bad characters, for two labels: its own
            recipe aims at a given label, here the other one.
        `budget`: questions about a text at most; None: any number, which searches for bad characters need.
        `dynamic`: the same wrapper, but padding to the longest text of a batch, not to the longest that there may be.
        `padded_to`: as if the checkpoint's tokenizer stated that length; the wrapper pads every text to it.
        """
        require_textattack()
        with _quiet(), _no_downloads(), _repeatable_synonyms():
            from textattack import attack_recipes

            wrapper = self._wrapper(dynamic)
            if padded_to is not None:
                wrapper.tokenizer = copy.deepcopy(self.tokenizer)
                wrapper.tokenizer.model_max_length = padded_to

            def made(target: int | None = None) -> Any:
                if target is None:
                    attack = getattr(attack_recipes, ATTACKS[recipe].made).build(wrapper)
                else:
                    attack = attack_recipes.BadCharacters2021.build(
                        wrapper, "targeted_classification", BAD_CHARACTERS[recipe], perturbs=_PERTURBATIONS,
                        target_class=target,
                    )  # fmt: skip
                attack.goal_function.query_budget = float("inf") if budget is None else budget
                return attack

            by_label = [made(1), made(0)] if recipe in BAD_CHARACTERS else [made()] * len(self.columns)
            found = []
            for case in cases:
                with turn(STREAMS.seed("attack", f"{recipe}@1", case.example.id)):
                    found.append(_ended(by_label[case.target].attack(case.text, case.target)))
        return found

    def shap(self, cases: Sequence[Case]) -> list[FloatArray]:
        """Return SHAP's values of each text's tokens for its label."""
        with _quiet():
            import shap

            explainer = shap.Explainer(self.pipeline)
            found = []
            for case in cases:
                with turn(case.seed("shap_partition@1")):
                    values = explainer([case.text], silent=True).values
                found.append(np.asarray(values[0][:, case.target], dtype=np.float64))
        return found

    def lime(self, cases: Sequence[Case], *, batch_size: int | None = None) -> list[dict[str, float]]:
        """Return LIME's weight of each distinct word for the text's label, from 1,000 samples."""

        def probabilities(texts: Sequence[str]) -> FloatArray:
            return self.probabilities(texts, batch_size=batch_size)

        with _quiet():
            from lime.lime_text import LimeTextExplainer

            found = []
            for case in cases:
                explainer = LimeTextExplainer(class_names=list(self.columns), random_state=case.seed("lime@1"))
                explained = explainer.explain_instance(
                    case.text,
                    probabilities,
                    labels=(case.target,),
                    num_features=len(case.text),  # more than there are words: all of them
                    num_samples=SAMPLES,
                )
                found.append(dict(explained.as_list(label=case.target)))
        return found

    def integrated_gradients(self, cases: Sequence[Case], *, steps: int = STEPS) -> list[Integrated]:
        """Return Captum's integrated gradients of the label's logit at the word embeddings, one text at a time.

        The baseline has padding in place of every ordinary token; special tokens stay.
        """
        from captum.attr import LayerIntegratedGradients

        def logits(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.network(input_ids=ids, attention_mask=mask).logits
            return found

        method = LayerIntegratedGradients(logits, self.network.get_input_embeddings())
        answers = []
        for case in cases:
            ids, baseline, mask = self._encoded(case.text)
            attributed, delta = method.attribute(
                ids,
                baselines=baseline,
                additional_forward_args=(mask,),
                target=case.target,
                n_steps=steps,
                return_convergence_delta=True,
            )
            scores = attributed.detach()[0].double().sum(dim=-1).cpu().numpy()
            answers.append((scores, float(delta[0])))
        return [Integrated(scores, _relative(scores, delta)) for scores, delta in answers]

    def probabilities(self, texts: Sequence[str], *, batch_size: int | None = None) -> FloatArray:
        """Return transformers' own pipeline's probabilities, (n, n_labels); its default batch size is 1."""
        with _quiet():
            size = {} if batch_size is None else {"batch_size": batch_size}
            answers = self.pipeline(list(texts), **size)
        found = np.zeros((len(texts), len(self.columns)))
        for row, answer in zip(found, answers, strict=True):
            for one in answer:
                row[self.columns[one["label"]]] = one["score"]
        return found

    def _encoded(self, text: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        found = self.tokenizer(text, return_tensors="pt", return_special_tokens_mask=True).to(self.network.device)
        ids, special = found["input_ids"], found["special_tokens_mask"].bool()
        return ids, torch.where(special, ids, self.tokenizer.pad_token_id), found["attention_mask"]

    def scores(self, texts: Sequence[str]) -> FloatArray:
        """Return the probabilities, (n, n_labels), that TextAttack makes of its wrapper's logits, in float32."""
        with _quiet():
            found = torch.softmax(self._wrapper(False)(list(texts)), dim=-1)
        return np.asarray(found.cpu().numpy(), dtype=np.float64)

    def wrapper(self, *, dynamic: bool = False) -> Any:
        """Return TextAttack's wrapper around the network."""
        require_textattack()
        with _quiet():
            return self._wrapper(dynamic)

    def _wrapper(self, dynamic: bool) -> Any:
        from textattack.models.wrappers import HuggingFaceModelWrapper

        class Dynamic(HuggingFaceModelWrapper):  # type: ignore[misc]
            def __call__(self, text_input_list: Sequence[str]) -> torch.Tensor:
                batch = self.tokenizer(text_input_list, padding=True, truncation=True, return_tensors="pt")
                with torch.no_grad():
                    logits: torch.Tensor = self.model(**batch.to(self.model.device)).logits
                return logits

        return (Dynamic if dynamic else HuggingFaceModelWrapper)(self.network, self.tokenizer)


def _ended(result: Any) -> Ended:
    kind = type(result).__name__
    if kind == "SuccessfulAttackResult":
        return Ended("succeeded", result.perturbed_result.attacked_text.text)
    return Ended("skipped" if kind == "SkippedAttackResult" else "resisted", None)


def _relative(scores: FloatArray, delta: float) -> float:
    """Return |sum of scores - difference| / |difference|, given Captum's delta, which is sum - difference."""
    return abs(delta) / max(abs(float(scores.sum()) - delta), 1e-6)


@contextmanager
def _no_downloads() -> Iterator[None]:
    """Keep recipes that look for words in WordNet from trying a download of it each time that they are made."""
    import nltk

    download, nltk.download = nltk.download, lambda *_, **__: True
    try:
        yield
    finally:
        nltk.download = download


@contextmanager
def _repeatable_synonyms() -> Iterator[None]:
    """Put WordNet's synonyms in alphabetical order: TextAttack's is a set's, which changes from process to process."""
    from textattack.transformations import WordSwapWordNet

    plain = WordSwapWordNet._get_replacement_words
    WordSwapWordNet._get_replacement_words = lambda self, word, random=False: sorted(plain(self, word, random))
    try:
        yield
    finally:
        WordSwapWordNet._get_replacement_words = plain


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep these libraries from writing to the terminal: warnings and logs of theirs are not about the benchmark."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), quiet_transformers():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
