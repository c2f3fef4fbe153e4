"""How reasons for a guess add up."""

from typing import Final

from gateway.profiles.infer_model import Guess

# From this confidence on, a name alone is a reason worth telling.
SAID_BY_NAME: Final = 0.6
_SUREST: Final = 0.99


def join_reasons(name: float, support: float) -> float:
    """Two reasons for the same are more than one; each is a share of certainty."""
    return 1 - (1 - name) * (1 - support) if name or support else 0


def make_guess(target: str, confidence: float, name: float, evidence: str) -> Guess:
    """``name`` is how sure the name alone is, ``evidence`` what else speaks for it."""
    said = ["by name" if name >= SAID_BY_NAME else "", evidence]
    told = "; ".join(word for word in said if word)
    return Guess(target=target, confidence=round(min(confidence, _SUREST), 2), evidence=told)
