"""How well a draft guesses, measured against the profile that people wrote for the same feed.
``python -m tests.lib.inferred`` prints it."""

import sys
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from gateway.profiles.infer import infer_profile
from gateway.profiles.infer_model import Draft
from mappers.profile_load import find_profiles, make_shelf
from mappers.profile_model import Profile
from mappers.profile_parts import as_list

_ENDS = ("csv", "xml", "json")
_TAKE_ON = Path("samples/take-on")
_OWN = {"kestrel-hill-csv": _TAKE_ON / "profile.yaml"}


class Score(NamedTuple):
    """Of the fields the profile maps: ``right`` have one of its targets, ``wrong`` another,
    ``missing`` were left to be decided. ``extra``: mapped by the draft, ignored by the profile."""

    right: list[str]
    wrong: list[str]
    missing: list[str]
    extra: list[str]


def list_truth(profile: Profile) -> dict[str, set[str]]:
    """Field → the heads and elements it fills."""
    truth: dict[str, set[str]] = {}
    for name, head in profile.heads.items():
        truth.setdefault(head.field, set()).add(name)
        for more in head.more:
            truth.setdefault(more, set()).add(name)
    for field, rules in profile.elements.items():
        truth.setdefault(field, set()).update(rule.to for rule in as_list(rules))
    for group in profile.repeated.values():
        for field, rules in group.elements.items():
            whole = field
            if group.at is not None:
                whole = f"{group.at}{field}" if profile.format == "json" else f"{group.at}/{field}"
            truth.setdefault(whole, set()).update(rule.to for rule in as_list(rules))
    return truth


def score_draft(draft: Draft, profile: Profile) -> Score:
    """Only of fields that the feed has content in."""
    truth = list_truth(profile)
    score = Score([], [], [], [])
    for one in draft.fields:
        if one.field.kind == "empty":
            continue
        name = one.field.name
        expected = truth.get(name)
        guessed = one.guess.target if one.guess else None
        told = f"{name}: {guessed}, not {', '.join(sorted(expected or {'ignored'}))}"
        if expected is None:
            if guessed is not None and name in profile.ignored:
                score.extra.append(told)
        elif guessed is None:
            score.missing.append(f"{name}: {', '.join(sorted(expected))}")
        elif guessed in expected:
            score.right.append(name)
        else:
            score.wrong.append(told)
    return score


def find_samples() -> dict[str, Path]:
    """Profile → the sample feed that it was made for."""
    found = {"kestrel-hill-csv": _TAKE_ON / "feed.csv"}
    for name in find_profiles():
        places = [Path("samples/profiles") / name, Path("samples") / name[5:] / "demo"]
        feeds = (feed for place in places for feed in (place / f"feed.{end}" for end in _ENDS))
        feed = next((one for one in feeds if one.exists()), None)
        if feed is not None:
            found[name] = feed
    return found


@lru_cache
def score_sample(name: str, feed: Path) -> Score:
    shelf = make_shelf()
    profile = shelf.read_file(_OWN[name]) if name in _OWN else shelf.load(name)
    with feed.open("rb") as stream:
        return score_draft(infer_profile(stream, feed.name).draft, profile)


if __name__ == "__main__":
    for sample, path in find_samples().items():
        score = score_sample(sample, path)
        counts = ", ".join(f"{len(found)} {kind}" for kind, found in score._asdict().items())
        sys.stdout.write(f"{sample}: {counts}\n")
        for kind in ("wrong", "missing", "extra"):
            for line in getattr(score, kind):
                sys.stdout.write(f"    {kind:8} {line}\n")
