"""What a recipe may say about texts that training sees beside those of the corpus: its table `[augmentation]`.

Three ways to harden a model, and one that a certificate needs:

- `edits`: rewritings made at random before training starts (TextAttack's augmenters);
- `adversarial`: rewritings that an attack finds against the model as it is, made anew every few epochs (as TextAttack's
  trainer does; Yoo and Qi 2021);
- `embedding`: perturbations of the embeddings against the model as it is, in every step (FreeLB: Zhu et al. 2020; PGD:
  Madry et al. 2018, Miyato et al. 2017; virtual: Miyato et al. 2019);
- `ablation`: instead of each text, its words all but a few masked, other ones in each epoch (Levine and Feizi 2020).

The copies of an example share its weight, so an example counts once, however many rewritings it has.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from workbench.adapters.families import ATTACKS, EDITS, Family
from workbench.evidence.schema import Stored


class _Judged(Stored):
    """What every kind has in common."""

    primary_attack: str | None = None
    """The attack that the hardened model is to be judged by, named before training. Its family must not be one that
    training sees: a model that is judged by what it was trained on looks robust."""

    @property
    def families(self) -> tuple[Family, ...]:
        """What kinds of edits the model sees in training."""
        return ()

    @model_validator(mode="after")
    def _fair(self) -> Self:
        if self.primary_attack is None:
            return self
        found = ATTACKS.get(self.primary_attack.removesuffix("@1"))
        if found is None:
            raise ValueError(f"primary_attack: unknown; choose one of {', '.join(ATTACKS)}")
        if found.family in self.families:
            raise ValueError(
                f"primary_attack: {self.primary_attack} edits {found.family}, which training sees; choose one of "
                f"another family: {', '.join(name for name, one in ATTACKS.items() if one.family not in self.families)}"
            )
        return self


class Edits(_Judged):
    """Random rewritings, made before training."""

    kind: Literal["edits"]
    edits: tuple[str, ...] = Field(min_length=1)
    """Of 'misspellings', 'synonyms', 'near_words', 'paraphrases', 'deletions', 'look_alikes'."""
    fraction: float = Field(default=1.0, gt=0, le=1)
    """Chance of each example to be rewritten."""
    copies: int = Field(default=1, ge=1, le=20)
    """Rewritings of such an example by each of the edits, at most."""
    words: float = Field(default=0.1, gt=0, le=1)
    """Share of a text's words that a rewriting changes; at least one."""

    @field_validator("edits")
    @classmethod
    def _known(cls, edits: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [edit for edit in edits if edit not in EDITS]:
            raise ValueError(f"unknown: {', '.join(unknown)}; choose of {', '.join(EDITS)}")
        return edits

    @property
    def families(self) -> tuple[Family, ...]:
        return tuple(dict.fromkeys(EDITS[edit].family for edit in self.edits))

    def cost(self, n: int, epochs: int) -> str:
        """Return what this costs with `n` examples, before anything is known of the machine."""
        more = self.fraction * self.copies * len(self.edits)
        return (
            f"up to {round(more * n):,} rewritings of {n:,} texts are made first; steps then compute up to "
            f"{1 + more:.3g} times as many texts"
        )


class Adversarial(_Judged):
    """Rewritings that an attack finds against the model in training."""

    kind: Literal["adversarial"]
    attack: str = "deepwordbug"
    fraction: float = Field(default=0.2, gt=0, le=1)
    """Chance of each example to be attacked, drawn anew each time."""
    query_budget: int = Field(default=200, ge=2)
    """Texts scored per attacked example at most."""
    clean_epochs: int = Field(default=1, ge=0)
    """Epochs before the first attack: against a head of random numbers it would find nothing worth learning."""
    every: int = Field(default=1, ge=1)
    """Epochs between two rounds of attacks; in between, the last rewritings stay."""

    @field_validator("attack")
    @classmethod
    def _known(cls, attack: str) -> str:
        if attack not in ATTACKS:
            raise ValueError(f"unknown; choose one of {', '.join(ATTACKS)}")
        return attack

    @property
    def families(self) -> tuple[Family, ...]:
        return (ATTACKS[self.attack].family,)

    def rounds(self, epochs: int) -> int:
        """Return how many rounds of attacks training of `epochs` epochs makes."""
        return len(range(self.clean_epochs, epochs, self.every))

    def round_of(self, epoch: int) -> int | None:
        """Return the epoch at whose start the rewritings of `epoch`, counted from 0, are made; None: it has none."""
        if epoch < self.clean_epochs:
            return None
        return epoch - (epoch - self.clean_epochs) % self.every

    def cost(self, n: int, epochs: int) -> str:
        """Return what this costs with `n` examples, before anything is known of the machine."""
        attacked, rounds = round(self.fraction * n), self.rounds(epochs)
        return (
            f"about {attacked:,} texts are attacked in each of {rounds} rounds, by at most {self.query_budget:,} "
            f"questions to the model each ({attacked * self.query_budget * rounds:,} forward passes at most); steps "
            f"then compute up to {1 + self.fraction:.3g} times as many texts"
        )


class Embedding(_Judged):
    """Perturbed embeddings, in every step."""

    kind: Literal["embedding"]
    method: Literal["freelb", "pgd", "virtual"] = "freelb"
    steps: int = Field(default=3, ge=1, le=20)
    """Gradient steps of the perturbation."""
    radius: float = Field(default=0.15, gt=0)
    """Largest perturbation of a text (Euclidean norm over all its tokens), in units of a token's mean norm."""
    step_size: float = Field(default=0.06, gt=0)
    """Length of one of these steps, in the same units."""
    weight: float = Field(default=1.0, gt=0)
    """Of the divergence in the loss ('virtual' only)."""

    @property
    def copies(self) -> int:
        """Perturbed (or not) copies of a text that a step learns from."""
        return self.steps if self.method == "freelb" else 2

    @property
    def passes(self) -> int:
        """Forward and backward passes of one step, where training without it takes one."""
        return self.steps if self.method == "freelb" else self.steps + 2

    def cost(self, n: int, epochs: int) -> str:
        """Return what this costs, before anything is known of the machine."""
        return f"each step takes {self.passes} forward and backward passes instead of one"


class Ablation(_Judged):
    """All but a few words of each text masked, as a certificate by randomised ablation shows them."""

    kind: Literal["ablation"]
    keep: float = Field(default=0.3, gt=0, le=1)
    """Share of the words that stay; at least one."""

    def cost(self, n: int, epochs: int) -> str:
        """Return what this costs."""
        return "no additional passes: masked texts take the place of the texts"


Augmentation = Annotated[Edits | Adversarial | Embedding | Ablation, Field(discriminator="kind")]
