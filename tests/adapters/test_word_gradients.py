"""Gradients by word: against autograd, against closed forms, on texts whose tokens and words do not match."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workbench.adapters.word_gradients import WhiteBox, loss_gradients, spans
from workbench.models.engine import engine_for
from workbench.models.hugging_face import load_checkpoint
from workbench.models.protocols import Encoded
from workbench.models.tokens import TextEncoder

TEXT = "The lovely dress, oddly, fits; it's SOFT!"
WORDS = ["The", "lovely", "dress", "oddly", "fits", "it's", "SOFT"]
# [CLS] the lovely dress , o ##d ##d ##l ##y , fits ; it ' s soft ! [SEP]
TOKENS = [[1], [2], [3], [5, 6, 7, 8, 9], [11], [13, 14, 15], [16]]


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    return load_checkpoint(tiny_checkpoint, device="cpu")


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("through_engine", [True, False])
def test_a_word_has_the_mean_of_its_tokens_gradients(model, tiny_checkpoint, label, through_engine):
    from transformers import AutoModelForSequenceClassification

    network = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint).eval()
    encoded = model.encode([TEXT])
    assert encoded.tokens[0][5:10] == ("o", "##d", "##d", "##l", "##y")
    embedded = network.get_input_embeddings()(encoded.input_ids).detach().requires_grad_()
    loss = network(inputs_embeds=embedded, attention_mask=encoded.attention_mask, labels=torch.tensor([label])).loss
    (by_token,) = torch.autograd.grad(loss, embedded)
    expected = np.stack([by_token[0, tokens].mean(dim=0).numpy() for tokens in TOKENS])

    with engine_for(model) as engine, engine.item("one") as view:
        found = WhiteBox(view if through_engine else model, label).gradients([(TEXT, WORDS)])[0]
    np.testing.assert_allclose(found.gradient, expected, atol=1e-6)
    assert np.abs(expected).max() > 1e-3
    whole = [int(encoded.input_ids[0, tokens[0]]) if len(tokens) == 1 else -1 for tokens in TOKENS]
    assert found.ids.tolist() == whole


def test_gains_are_the_embeddings_difference_along_the_gradient(model):
    white = WhiteBox(model, 1)
    found = white.gradients([(TEXT, WORDS)])[0]
    swaps = [(1, "awful"), (1, "Awful"), (6, "ROUGH"), (4, "was")]
    table = model.network.get_input_embeddings().weight.double().numpy()
    number = {
        word: model.encode([word]).input_ids[0, 1].item()
        for word in ("lovely", "awful", "soft", "rough", "fits", "was")
    }
    steps = [("lovely", "awful"), ("lovely", "awful"), ("soft", "rough"), ("fits", "was")]
    expected = [
        (table[number[new]] - table[number[old]]) @ found.gradient[i]
        for (i, _), (old, new) in zip(swaps, steps, strict=True)
    ]
    gains = white.gains(TEXT, WORDS, swaps, found)
    assert [swap for _, swap in gains] == swaps
    np.testing.assert_allclose([gain for gain, _ in gains], expected, atol=1e-12)


def test_only_one_known_token_is_swapped_for_another(model):
    white = WhiteBox(model, 1)
    text, words = "lovely oddly 是", ["lovely", "oddly", "是"]
    found = white.gradients([(text, words)])[0]
    # Several tokens for one, one for several, a letter that the vocabulary lacks.
    assert white.gains(text, words, [(0, "oddly"), (1, "lovely"), (0, "ω"), (0, "")], found) == []
    assert white.gains(text, words, [], found) == []


def test_texts_asked_about_together_get_what_they_get_alone(model):
    texts = [(text, text.split()) for text in ("a lovely dress", "the awful dress", "very", "i loved it", "it fits")]
    with engine_for(model) as engine, engine.item("one") as view:
        white = WhiteBox(view, 0)
        for one, found in zip(texts, white.gradients(texts), strict=True):
            (alone,) = white.gradients([one])
            np.testing.assert_array_equal(found.gradient, alone.gradient)
            assert found.ids.tolist() == alone.ids.tolist()
        assert white.gradients([]) == []


def test_words_beyond_the_end_are_not_read(model):
    words = ["lovely"] * 29 + ["dress"] * 20
    text = " ".join(words)
    read = WhiteBox(model, 0).read(text, words)
    assert read == [True] * 30 + [False] * 19, "32 tokens, two of them special"
    found = WhiteBox(model, 0).gradients([(text, words)])[0]
    assert np.all(found.gradient[30:] == 0)
    assert np.all(found.ids[30:] == -1)
    assert np.all(np.abs(found.gradient[:30]).sum(axis=1) > 0)
    assert np.all(found.ids[:30] >= 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("lovely 👍🏽👗 dress", ["lovely", "dress"]),
        ("שמלה lovely יפה", ["שמלה", "lovely", "יפה"]),
        ("\u202elovely\u202c café naïve", ["lovely", "café", "naïve"]),
        ("  lovely\n\tdress ", ["lovely", "dress"]),
        ("a a-a aa", ["a", "a-a", "aa"]),
        ("lone \ud800 lovely", ["lone", "lovely"]),
        ("İSTANBUL lovely", ["İSTANBUL", "lovely"]),
    ],
)
def test_odd_texts_keep_words_and_tokens_together(model, text, words):
    found = WhiteBox(model, 1).gradients([(text, words)])[0]
    assert found.gradient.shape == (len(words), 16)
    assert np.isfinite(found.gradient).all()
    lovely = model.encode(["lovely"]).input_ids[0, 1].item()
    assert [one == lovely for one in found.ids] == [word == "lovely" for word in words]


def test_spans_are_where_textattack_replaces_words():
    text = "in a pinch, in; a"
    assert [text[a:b] for a, b in spans(text, ["in", "a", "pinch", "in", "a"])] == ["in", "a", "pinch", "in", "a"]
    assert spans(text, ["in", "a", "pinch", "in", "a"]) == [(0, 2), (3, 4), (5, 10), (12, 14), (16, 17)]
    with pytest.raises(ValueError, match="substring"):
        spans("one two", ["two", "one"])


def test_a_very_sure_model_still_has_a_direction(known_model):
    """P(positive) is 1 - 2e-22: the true label's probability minus one has no digits left, and would be zero."""
    sure = known_model({"lovely": 50.0})
    (slope,) = loss_gradients(sure, [sure.encode(["lovely"])], 1)
    # The loss falls by p(negative) times the logit's gradient, which is 1 everywhere.
    np.testing.assert_allclose(slope, -np.exp(-50.0) * np.ones((3, 2)), rtol=1e-9)


def test_three_labels(known_model):
    class Three:
        labels = ("a", "b", "c")

        def __init__(self):
            self.inner = known_model({"good": 2.0, "bad": -3.0})
            self.encode, self.embed = self.inner.encode, self.inner.embed

        def logits_from(self, embedded, attention_mask):
            s = embedded.sum(dim=(1, 2))
            return torch.stack([s, s**2, torch.zeros_like(s)], dim=1)

    encoded = Three().encode(["good good bad"])
    s, total = 1.0, np.exp([1.0, 1.0, 0.0])
    p = total / total.sum()
    slopes = np.array([1.0, 2 * s, 0.0])
    for label in range(3):
        (found,) = loss_gradients(Three(), [encoded], label)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, np.full((5, 2), p @ slopes - slopes[label]), atol=1e-12)


def test_tokens_that_know_the_space_before_them():
    """In byte-level BPE, 'dress' after a space and at the start are two tokens; a swap must keep to its kind."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges, pieces = [], []
    for word in ("Ġdress", "Ġlovely", "dress", "lovely"):
        for end in range(2, len(word) + 1):
            merges.append((word[: end - 1], word[end - 1]))
            pieces.append(word[:end])
    vocabulary = {
        piece: i for i, piece in enumerate(["<s>", "<pad>", "</s>", "<mask>", *alphabet, *dict.fromkeys(pieces)])
    }
    backend = Tokenizer(models.BPE(vocabulary, list(dict.fromkeys(merges))))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", mask_token="<mask>")
    encoder = TextEncoder(tokenizer, max_length=64)

    class Bytes:
        labels = ("a", "b")

        def encode(self, inputs) -> Encoded:
            return encoder.encode(inputs, torch.device("cpu"))

        def embed(self, input_ids):
            return torch.stack([input_ids.double(), torch.ones_like(input_ids).double()], dim=-1)

        def logits_from(self, embedded, attention_mask):
            s = embedded[..., 0].sum(dim=1)
            return torch.stack([torch.zeros_like(s), s / 1000], dim=1)

    text, words = "dress (dress dress) éa dress", ["dress", "dress", "dress", "éa", "dress"]
    white = WhiteBox(Bytes(), 0)  # type: ignore[arg-type]
    found = white.gradients([(text, words)])[0]
    plain, spaced = vocabulary["dress"], vocabulary["Ġdress"]
    assert found.ids.tolist() == [plain, plain, spaced, -1, spaced]
    gains = white.gains(text, words, [(i, new) for i in (0, 1, 2, 4) for new in ("dress", "lovely")], found)
    steps = [gain / found.gradient[i, 0] for gain, (i, _) in gains]
    to_lovely = {plain: vocabulary["lovely"] - plain, spaced: vocabulary["Ġlovely"] - spaced}
    expected = [step for i in (0, 1, 2, 4) for step in (0, to_lovely[int(found.ids[i])])]
    np.testing.assert_allclose(steps, expected, atol=1e-9)
