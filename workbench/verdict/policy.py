"""A policy: what an organisation requires of a model, fixed before the audit runs."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from workbench.errors import Misconfigured, NotFound
from workbench.evidence.names import NAMES, RETIRED, value_range
from workbench.evidence.schema import Stored
from workbench.files import parse_toml, read_toml

ANY = "*"
"""A facet value that means: every one that there is."""


class Criterion(Stored):
    """One requirement: a measurement, a bound, and what it means to miss it."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    measurement: str
    """A name of the architecture's table, e.g. 'performance.accuracy'."""
    where: dict[str, str] = Field(default_factory=dict)
    """Facets; '*' stands for every value that there is, and each is judged."""
    at_least: float | None = None
    at_most: float | None = None
    reported: bool = False
    """No bound: the number must be there."""
    end: Literal["low", "high"] | None = None
    """Which end of the interval must satisfy the bound; by default the safe one (low for `at_least`, else high)."""
    severity: Literal["fail", "warn"] = "fail"
    why: str = Field(min_length=1)
    """What is at stake, for the person who signs."""
    owner: str = ""
    """Who answers for this requirement: a role, to turn to where it is missed."""
    unknown_below: int | None = Field(default=None, ge=1)
    """Of a number over all groups of an attribute: groups with fewer examples may be left out, the owner accepts that
    nothing is known of them. Not given, no bound is met without every group."""
    only_if: Literal["private", "private experiment", "applicable"] | None = None
    """Asked only of models whose training card claims privacy, or of those of them that coins of an experiment drew the
    members of; or only where a probe does not say that it does not apply to this model or these texts. Of others the
    finding says that it does not apply."""

    @field_validator("at_least", "at_most", mode="before")
    @classmethod
    def _no_boolean(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("must be a number, not true or false")
        return value

    @field_validator("measurement")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in NAMES:
            raise ValueError(f"unknown measurement {value!r}{_nearest(value, NAMES)}")
        if value in RETIRED:
            raise ValueError(f"{value} is not measured any more; use {RETIRED[value]}")
        return value

    @field_validator("where")
    @classmethod
    def _sorted(cls, value: dict[str, str]) -> dict[str, str]:
        return dict(sorted(value.items()))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = [self.at_least is not None, self.at_most is not None, self.reported]
        if sum(given) != 1:
            raise ValueError("give exactly one of at_least, at_most and reported = true")
        if self.reported and self.end is not None:
            raise ValueError("`end` needs a bound: at_least or at_most")
        known = NAMES[self.measurement]
        least, most = value_range(self.measurement)
        if self.limit is not None and not least <= self.limit <= most:
            where = f"between {least:g} and {most:g}" if isfinite(most) else f"at {least:g} or above"
            raise ValueError(f"{self.measurement} lies {where}, so a bound of {self.limit:g} decides nothing")
        if self.at_least == least or self.at_most == most:
            raise ValueError(f"every {self.measurement} meets a bound of {self.limit:g}: write reported = true instead")
        for facet in self.where:
            if facet not in known.all_facets:
                raise ValueError(f"{self.measurement} has no facet {facet!r}{_nearest(facet, known.all_facets)}")
        if self.unknown_below is not None and not known.over_groups:
            raise ValueError(f"{self.measurement} is no number over all groups of an attribute: no unknown_below")
        if missing := [facet for facet in known.facets if facet not in self.where]:
            raise ValueError(f"{self.measurement} needs where.{missing[0]}: a name, or '*' for every {missing[0]}")
        if (chosen := [facet for facet in known.optional if facet in self.where]) and len(chosen) < len(known.optional):
            raise ValueError(f"{self.measurement} is broken down by {' and '.join(known.optional)} together: name both")
        return self

    @property
    def limit(self) -> float | None:
        """The bound, whichever way it points."""
        return self.at_least if self.at_least is not None else self.at_most

    @property
    def judged_end(self) -> Literal["low", "high"]:
        """The end of the interval that must satisfy the bound."""
        return self.end or ("low" if self.at_least is not None else "high")


class Policy(Stored):
    """A named list of criteria."""

    name: str
    description: str = ""
    criteria: tuple[Criterion, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        seen: set[str] = set()
        for criterion in self.criteria:
            if criterion.id in seen:
                raise ValueError(f"the criterion id {criterion.id!r} is used twice")
            seen.add(criterion.id)
        return self

    @property
    def digest(self) -> str:
        """sha256 of the policy as canonical JSON: sorted keys, no spaces, ASCII."""
        content = self.model_dump(mode="json")
        for criterion in content["criteria"]:  # keys that came later leave the digests of older policies as they were
            for key in ("owner", "only_if", "unknown_below"):
                if not criterion[key]:
                    del criterion[key]
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def load_policy(policy: str | Path) -> Policy:
    """Return the shipped policy of that name, or the one in that TOML file.

    Raises:
        NotFound: neither a shipped policy nor a file.
        BadInput: the file cannot be read.
        Misconfigured: it says something impossible; the message names the place.
    """
    found = read_toml(policy, kind="policy", shipped=resources.files("workbench.verdict") / "policies")
    return _policy(found.table, name=found.name, where=found.where)


def own_policy(name: str, digest: str, given: str | Path | Policy | None = None) -> Policy:
    """Return the policy of that name and digest, which was fixed before an audit ran, and no other.

    Args:
        name: as the audit's record has it.
        digest: sha256, as the record has it.
        given: where it is to be found, if it is none of the shipped ones.

    Raises `Misconfigured` where it is not at hand.
    """
    asked = f"name the file of this audit's own policy, {name!r}, with --policy"
    try:
        found = given if isinstance(given, Policy) else load_policy(name if given is None else given)
    except NotFound as error:
        raise Misconfigured(f"{asked} ({error})") from None
    if found.digest != digest:
        raise Misconfigured(
            f"the policy {found.name!r} at hand (sha256 {found.digest[:12]}…) is not the one that was fixed before "
            f"this audit ran (sha256 {digest[:12]}…); {asked}"
        )
    return found


def parse_policy(text: str, *, name: str, where: str) -> Policy:
    """Return the policy that the TOML `text` describes; `name` unless it names itself, `where` for messages."""
    return _policy(parse_toml(text, where=where), name=name, where=where)


def _policy(table: dict[str, Any], *, name: str, where: str) -> Policy:
    try:
        return Policy.model_validate({"name": name, **table})
    except ValidationError as error:
        raise Misconfigured(f"{where}: {_first(error, table)}") from error


def _first(error: ValidationError, table: dict[str, Any]) -> str:
    """Return the first complaint with its address in the file, e.g. 'criteria[2].at_lest: unknown key'."""
    found = error.errors()[0]
    path = _address(found["loc"], table)
    if found["type"] == "extra_forbidden":
        inside = len(found["loc"]) > 1
        return (
            f"{path}: unknown "
            f"key{_nearest(str(found['loc'][-1]), Criterion.model_fields if inside else Policy.model_fields)}"
        )
    message = found["msg"].removeprefix("Value error, ")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path}: {message}{more}" if path else f"{message}{more}"


def _address(loc: tuple[int | str, ...], table: dict[str, Any]) -> str:
    parts = ""
    for step in loc:
        parts += f"[{step}]" if isinstance(step, int) else f".{step}" if parts else step
    criteria = table.get("criteria")
    if len(loc) > 1 and isinstance(loc[1], int) and isinstance(criteria, list) and isinstance(criteria[loc[1]], dict):
        named = criteria[loc[1]].get("id")
        parts += f" ({named})" if named else ""
    return parts


def _nearest(name: str, choices: Iterable[str]) -> str:
    known = list(choices)
    tail = {choice.rpartition(".")[2]: choice for choice in reversed(known)}
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    near += [tail[match] for match in difflib.get_close_matches(name.rpartition(".")[2], tail, n=2, cutoff=0.6)]
    listed = list(dict.fromkeys(near))[:3] or (sorted(known) if len(known) <= 12 else [])
    return f"; nearest: {', '.join(listed)}" if listed else ""
