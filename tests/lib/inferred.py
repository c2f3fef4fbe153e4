"""How well a draft guesses, measured against the profile that people wrote for the same feed."""

from typing import NamedTuple

from gateway.profiles.infer_model import Draft
from mappers.profile_model import Profile, as_list


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
