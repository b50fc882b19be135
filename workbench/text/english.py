"""English, where swapping one word for another is not enough: a or an, and the case of a pronoun by its place."""

from __future__ import annotations

import re

_AS_CONSONANT = re.compile(r"(?:eu|ewe|one|once|uni(?!n)|us[aeiu]|ukr|ut[aio]|u-|u$)", re.IGNORECASE)
"""Written with a vowel first and spoken with a consonant: a European, a one-time, a university, a user, a Ukrainian."""
_AS_VOWEL = re.compile(r"(?:heir|hour|honest|hono)", re.IGNORECASE)
"""Written with an h that nobody speaks: an heiress, an hour, an honest man."""
_OPENING = "\"“‘(['*"
_NEXT = re.compile(rf"\s+[{re.escape(_OPENING)}]*([^\W\d_][\w'’-]*)|\s+[{re.escape(_OPENING)}]*(\d)")
_PREVIOUS = re.compile(r"([^\W\d_]+)\W*$")

_CLOSED = """
a an the this that these those my your our their her his its i you we they he she it him me us them some any all both
each every another one
about after against along among around as at because before behind below beside between but by despite down during
except for from if in inside into like near nor of off on once onto or out outside over past since so than then though
although through till to toward towards under unless until up upon when whenever where wherever whether while who whom
whose which what why how with within without and
am is are was were be been has have had do does did will would shall should can could may might must isn't wasn't
hasn't didn't doesn't won't wouldn't can't couldn't
not never always again ago alone already also anyway away everywhere here there instead now just soon today tomorrow
tonight yesterday too twice well either yet back
"""
_NO_NOUN_FOLLOWS = frozenset(_CLOSED.split())
"""Words before which no noun is left for a possessive to belong to: determiners and pronouns, prepositions and
conjunctions, verbs that carry a sentence, adverbs that end one."""

_GIVING = """
ask asked asking bring brings brought bringing buy buys bought buying call called calling feed fed feel felt find found
get gets got getting give gives gave giving given hear heard help helps helped helping keep kept leave left let lets
letting lend lent made make makes making offer offered order ordered pay paid saw see seen sees sell send sends sent
sending show showed showing shown shows teach taught tell telling told watch watched wish wished
fit fits fitted fitting suit suits suited flatter flatters flattered hit hits hug hugs hugged
"""
_TWO_OBJECTS = frozenset(_GIVING.split())
"""Verbs after which 'her' may be a person who gets or does something (made her happy, bought her flowers, fits her
best) as well as a possessive (made her dress): by its place alone it cannot be told."""

_ADJECTIVES = frozenset(
    ("lovely", "friendly", "only", "early", "daily", "ugly", "silly", "elderly", "lonely", "lively", "curly")
)
_NOUNS = frozenset(("family", "belly", "jelly", "ally", "reply", "supply"))
"""In -ly, and no adverbs. Other words in -ly go with a verb (fits her perfectly) or an adjective (her perfectly cut
dress): the pronoun's case is not told by them."""


def vowel_first(word: str) -> bool:
    """Return whether `word` is spoken with a vowel first, so that 'an' stands before it. By spelling, with the common
    exceptions; letters spelled one by one (an FBI man) are not known.
    """
    if _AS_CONSONANT.match(word):
        return False
    return word[:1].lower() in "aeiou" or bool(_AS_VOWEL.match(word))


def other_article(article: str, before: str, after: str) -> str:
    """Return `article` ('a' or 'an' in any case) as it is before the word `after`, if it was right before `before`.

    An article that was wrong already, or that need not change, stays.
    """
    was, now = vowel_first(before), vowel_first(after)
    if was == now or was != (article.lower() == "an"):
        return article
    if now:
        shout = article.isupper() and len(after) > 1 and after.isupper()
        return f"{article}{'N' if shout else 'n'}"
    return article[0]


def other_pronoun(text: str, start: int, stop: int) -> str | None:
    """Return the counterpart, in small letters, of the pronoun text[start:stop]: 'her', 'hers', 'him' or 'his'.

    'her' is 'him' or 'his' and 'his' is 'her' or 'hers', by what stands around it. None where that cannot be told.
    Raises KeyError for another word.
    """
    word = text[start:stop].lower()
    if word in {"him", "hers"}:
        return {"him": "her", "hers": "his"}[word]
    if text[stop : stop + 1] in {"/", "&", "'", "’", "-"} and text[stop : stop + 2].strip():
        return None  # his/her, her's, her-self
    found = _NEXT.match(text, stop)
    following = "" if found is None else (found.group(1) or found.group(2)).lower()
    if following.endswith("ly") and following not in _ADJECTIVES | _NOUNS:
        return None
    alone = not following or following in _NO_NOUN_FOLLOWS
    if word == "his":
        return "hers" if alone else "her"
    if word != "her":
        raise KeyError(word)
    if alone:
        return "him"
    previous = _PREVIOUS.search(text, max(0, start - 40), start)
    return None if previous and previous.group(1).lower() in _TWO_OBJECTS else "his"
