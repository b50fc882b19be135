"""What an attack recipe is: a named, versioned way to search for a rewrite that is decided otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple, Protocol

from workbench.adapters.families import ATTACKS, ATTACKS_THAT_ASK_MORE, Family, Needs
from workbench.adapters.textattack import Search, require_textattack, search
from workbench.adapters.word_gradients import WhiteBox
from workbench.audit.robustness import rules
from workbench.audit.robustness.rules import Rule, first_broken
from workbench.audit.robustness.victim import Victim
from workbench.audit.robustness.words import end_of_word
from workbench.errors import MissingResource
from workbench.models.masked_lm import masked_lm
from workbench.models.protocols import Differentiable
from workbench.registry import Registry

EVERY_WORD = 1_000_000
"""Stands for no limit on the words that may change."""


class Attack(Protocol):
    """A recipe. Registered as `recipe@version`."""

    family: ClassVar[Family]
    changes: ClassVar[str]
    """What it does to a text, for a list."""
    source: ClassVar[str]
    """The paper, and how this differs from it."""
    needs_gradients: ClassVar[bool] = False
    """It looks into the model: `victim.model` must be `Differentiable`, in float32."""

    def prepare(self) -> None:
        """See that everything needed is there. Raises `MissingResource` with the remedy."""
        ...

    def words_edited(self, budget: int) -> int:
        """Return how many words from its start a text may have changed; the victim always reads the whole text."""
        ...

    def attack(self, victim: Victim, text: str, label: int, *, budget: int, seed: int) -> Search:
        """Search for a text that is not decided as `label`, scoring at most `budget` texts; a gradient counts as one.

        All randomness comes from `seed`. May raise anything on a text that the recipe cannot handle.
        """
        ...

    def broken(self, before: str, after: str) -> str | None:
        """Return which of its own rules a rewrite breaks, found without the library that made it; None: none."""
        ...

    def uses(self) -> Mapping[str, str]:
        """Return name -> sha256 of what the user has chosen for it: another choice, another result."""
        return {}


recipes: Registry[type[Attack]] = Registry("attack recipe", group="workbench.attacks")
"""Recipes by `name@version`, built without arguments. `@recipes.register("deepwordbug@1")`."""


class Listed(NamedTuple):
    """One recipe, as a list names it."""

    name: str
    family: Family
    changes: str
    source: str
    missing: str | None
    """What it lacks to run here and what to do about it; None where it runs."""


def listed() -> tuple[Listed, ...]:
    """Return every recipe by name, those that run here first."""
    found = []
    for name in recipes:
        recipe = recipes[name]()
        try:
            recipe.prepare()
            missing = None
        except MissingResource as error:
            missing = str(error)
        found.append(Listed(name, recipe.family, recipe.changes, recipe.source, missing))
    return tuple(sorted(found, key=lambda one: (one.missing is not None, one.name)))


class _TextAttack(Attack):
    """A recipe that TextAttack searches for: its first line unpacks what `families` says of it."""

    made: ClassVar[str]
    """Its name in `textattack_recipes`."""
    family: ClassVar[Family]
    needs: ClassVar[Needs] = ()
    changes: ClassVar[str]
    source: ClassVar[str]
    promises: ClassVar[tuple[Rule, ...]] = ()

    def prepare(self) -> None:
        for require in (require_textattack, *self.needs):
            require()

    def words_edited(self, budget: int) -> int:
        return EVERY_WORD

    def attack(self, victim: Victim, text: str, label: int, *, budget: int, seed: int) -> Search:
        cut = end_of_word(text, self.words_edited(budget))
        head, tail = text[:cut], text[cut:]
        white = None
        if self.needs_gradients:
            assert isinstance(victim.model, Differentiable), "the probe asks for it"
            assert not tail, "a gradient is of the whole text"
            white = WhiteBox(victim.model, label, victim.count)
        found = search(
            self.made,
            lambda heads: victim.scores([one + tail for one in heads]),
            head,
            label,
            budget=budget,
            seed=seed,
            white=white,
        )
        return found if found.rewritten is None else found._replace(rewritten=found.rewritten + tail)

    def broken(self, before: str, after: str) -> str | None:
        return first_broken(self.promises, before, after)


@recipes.register("deepwordbug@1")
class DeepWordBug(_TextAttack):
    """DeepWordBug (Gao et al. 2018), TextAttack's `DeepWordBugGao2018` as published there.

    Ranks words by what masking them does to the score, then misspells them in that order (two letters swapped, one
    replaced, dropped or added), up to 30 edits in all. Stopwords stay as they are.
    """

    made, family, needs = ATTACKS["deepwordbug"]
    changes = "misspells words, the most telling first: letters swapped, replaced, dropped, added; 30 edits at most"
    source = "Gao et al. 2018, as published in TextAttack"
    promises = (rules.edits_at_most(30), rules.stopwords_stay)

    def words_edited(self, budget: int) -> int:
        """Half the budget: ranking takes one query a word and misspelling up to four.

        Without this limit a text with as many words as the budget would be 'resisted' because nothing was ever tried.
        Texts of fewer words are not affected.
        """
        return max(1, budget // 2)


@recipes.register("pruthi@1")
class Pruthi(_TextAttack):
    """Pruthi et al. 2019: one typing mistake inside one word, every place and kind tried."""

    made, family, needs = ATTACKS["pruthi"]
    changes = "one typing mistake inside one word of four letters or more; about a thousand queries where it fails"
    source = "Pruthi et al. 2019, as published in TextAttack"
    promises = (rules.words_at_most(1), rules.only_inner_letters, rules.stopwords_stay)


@recipes.register("textbugger_letters@1")
class TextBuggerLetters(_TextAttack):
    """TextBugger's four bugs of letters, without its near words and without a bound on similarity."""

    made, family, needs = ATTACKS["textbugger_letters"]
    changes = "bugs in words, the most telling first: a space, a letter dropped, two swapped, a look-alike letter"
    source = "Li et al. 2019 without near words and without the Universal Sentence Encoder, which are downloads"
    promises = (rules.stopwords_stay,)


@recipes.register("pwws@1")
class Pwws(_TextAttack):
    """PWWS (Ren et al. 2019): synonyms from WordNet, in the order of saliency times effect."""

    made, family, needs = ATTACKS["pwws"]
    changes = "replaces words by WordNet's synonyms, the most telling first"
    source = "Ren et al. 2019, as published in TextAttack; synonyms in alphabetical order, so that it is repeatable"
    promises = (rules.words_at_most(), rules.synonyms, rules.stopwords_stay)


@recipes.register("leap@1")
class Leap(Pwws):
    """LEAP (Xiao et al. 2023): WordNet's synonyms in at most 16% of the words, found by a particle swarm."""

    made, family, needs = ATTACKS["leap"]
    changes = "replaces up to 16% of the words by WordNet's synonyms, searched by a particle swarm"
    source = "Xiao et al. 2023, as published in TextAttack; synonyms in alphabetical order, so that it is repeatable"
    promises = (rules.words_at_most(share=0.16), rules.synonyms, rules.stopwords_stay)


@recipes.register("textfooler_glove@1")
class TextFoolerGlove(_TextAttack):
    """TextFooler (Jin et al. 2020) with vectors and a sentence encoder that packages carry; figures are not theirs."""

    made, family, needs = ATTACKS["textfooler_glove"]
    changes = "replaces words by near ones of the same part of speech, the most telling first"
    source = (
        "Jin et al. 2020 with GloVe (cosine 0.7, no opposites) for counter-fitted vectors, MiniLM for the Universal "
        "Sentence Encoder, NLTK's stopwords"
    )
    promises = (rules.words_at_most(), rules.near_words, rules.stopwords_stay)


@recipes.register("a2t_glove@1")
class A2tGlove(TextFoolerGlove):
    """A2T (Yoo and Qi 2021) with vectors and a sentence encoder that packages carry; figures are not theirs."""

    made, family, needs = ATTACKS_THAT_ASK_MORE["a2t_glove"]
    changes = "replaces up to a tenth of the words, or four, by near ones, those with the largest gradient first"
    source = (
        "Yoo and Qi 2021 with GloVe (cosine 0.8, no opposites) for counter-fitted vectors, MiniLM for DistilBERT as "
        "sentence encoder; gradients are the model's own, by word"
    )
    promises = (rules.words_at_most(4, share=0.1), rules.nearer_words, rules.stopwords_stay)
    needs_gradients = True


@recipes.register("hotflip@1")
class HotFlip(TextFoolerGlove):
    """HotFlip (Ebrahimi et al. 2018): at most two words, flipped where the gradient says that it raises the loss most.

    The gradient is that of the cross-entropy of the true label in the model's own probabilities. A decision threshold
    bends these, see `centred`, and keeps their order, so the direction is right for it too.
    """

    made, family, needs = ATTACKS_THAT_ASK_MORE["hotflip"]
    changes = "flips up to two words to near ones along the gradient, by beam search"
    source = (
        "Ebrahimi et al. 2018 as in TextAttack, for any model's tokens: a flip is from one that is a word to another; "
        "words near by GloVe (cosine 0.8, no opposites) for counter-fitted vectors, 20 flips a text instead of one"
    )
    promises = (rules.words_at_most(2), rules.nearer_words, rules.stopwords_stay)
    needs_gradients = True


@recipes.register("checklist_without_names@1")
class CheckListWithoutNames(_TextAttack):
    """CheckList's rewritings (Ribeiro et al. 2020) but for names and places."""

    made, family, needs = ATTACKS["checklist_without_names"]
    changes = "writes contractions out or contracts (don't, do not) and changes numbers"
    source = "Ribeiro et al. 2020 without names and places, for which TextAttack downloads a tagger"


@recipes.register("invisible_characters@1")
class InvisibleCharacters(_TextAttack):
    """Bad characters (Boucher et al. 2021): zero-width characters that nobody sees."""

    made, family, needs = ATTACKS["invisible_characters"]
    changes = "puts up to three invisible characters into the text"
    source = "Boucher et al. 2021, as in TextAttack; untargeted, three perturbations, ends at the first success"
    promises = (rules.invisible,)


@recipes.register("homoglyphs@1")
class Homoglyphs(InvisibleCharacters):
    """Bad characters (Boucher et al. 2021): letters of other alphabets that look the same."""

    made, family, needs = ATTACKS["homoglyphs"]
    changes = "replaces up to three letters by look-alikes of other alphabets"
    source = "Boucher et al. 2021, as in TextAttack, with Unicode's confusables; untargeted, three perturbations"
    promises = (rules.alike,)


@recipes.register("reorderings@1")
class Reorderings(InvisibleCharacters):
    """Bad characters (Boucher et al. 2021): letters stored in another order than they are shown."""

    made, family, needs = ATTACKS["reorderings"]
    changes = "swaps up to three pairs of letters in storage and back on the screen, by control characters"
    promises = (rules.reordered,)


@recipes.register("bae@1")
class Bae(_TextAttack):
    """BAE-R (Garg and Ramakrishnan 2020): words replaced by what a masked language model of the user's would put there.

    What fits may say something else: BAE asks for the same part of speech and a similar text, not for the same meaning.
    """

    made, family, needs = ATTACKS_THAT_ASK_MORE["bae"]
    changes = "replaces words by ones that fit in their place, the most telling first"
    source = (
        "Garg and Ramakrishnan 2020 (BAE-R), as in TextAttack; the masked language model is yours, MiniLM stands for "
        "the Universal Sentence Encoder"
    )
    promises = (rules.words_at_most(), rules.stopwords_stay)

    def prepare(self) -> None:
        super().prepare()
        try:
            masked_lm()
        except MissingResource as error:
            raise MissingResource(
                f"the attack bae asks a masked language model for words: {error}; or use pwws@1 for synonyms"
            ) from error

    def uses(self) -> Mapping[str, str]:
        try:
            model = masked_lm()
        except MissingResource:
            return {}
        return {f"masked language model {model.name}": model.digest}


def _absent(name: str, made_of: Family, what: str, paper: str, missing: str) -> None:
    """Register a recipe that cannot run, so that who asks for it is told why and what would do instead."""

    class Absent(_TextAttack):
        made = name
        family = made_of
        changes, source = what, paper

        def prepare(self) -> None:
            raise MissingResource(f"the attack {name} cannot run here: {missing}")

    Absent.__name__ = Absent.__qualname__ = name
    recipes.register(f"{name}@1")(Absent)


_LANGUAGE_MODEL = "it asks a masked language model for words in ways that are not built in; use bae@1"
_VECTORS = "it needs the counter-fitted word vectors and the Universal Sentence Encoder, which are downloads; use "
_NEAR = f"{_VECTORS}textfooler_glove@1 for near words"
_absent("textfooler", "near words", "replaces words by near ones of the same kind", "Jin et al. 2019", _NEAR)
_absent(
    "textbugger",
    "near words",
    "bugs of letters, and near words",
    "Li et al. 2019",
    f"{_VECTORS}textbugger_letters@1 for its letters",
)
_absent(
    "a2t",
    "near words",
    "replaces words by near ones, ranked by gradient",
    "Yoo and Qi 2021",
    "it needs the counter-fitted word vectors and a sentence encoder, which are downloads; use a2t_glove@1",
)
_absent(
    "checklist",
    "paraphrases",
    "changes names, places, numbers and contractions",
    "Ribeiro et al. 2020",
    "it finds names and places with a tagger that is a download; use checklist_without_names@1 for the rest, and the "
    "behavioural tests, which put names and places into texts from templates",
)
_absent("bert_attack", "paraphrases", "replaces words by ones that fit", "Li et al. 2020", _LANGUAGE_MODEL)
_absent("clare", "paraphrases", "replaces, inserts and merges words that fit", "Li et al. 2021", _LANGUAGE_MODEL)
