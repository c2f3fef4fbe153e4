"""How well drafts guess, measured on every sample feed of a shipped profile: the figures of today
are the floor. ``python -m tests.lib.inferred`` prints them field by field."""

import pytest

from gateway.adapters.limits import Limits
from gateway.profiles.infer import infer_profile
from gateway.profiles.infer_sample import read_sample
from tests.lib.inferred import find_samples, score_sample

SAMPLES = find_samples()
# Sample → at least so many right, at most so many wrong (mapped to something else).
FLOORS = {
    "lrms-csv": (84, 0),
    "lrms-xml": (73, 0),
    "datix-like-csv": (38, 0),
    "inphase-like-json": (37, 0),
    "ulysses-like-xml": (28, 2),
    "nrls-csv": (9, 0),
    "nrls-xml": (9, 0),
    "steis-csv": (6, 3),
    "steis-export-csv": (6, 3),
    # Records of all three versions, drafted for one of them.
    "national-csv": (94, 4),
    "kestrel-hill-csv": (17, 0),
}


@pytest.mark.parametrize("name", FLOORS)
def test_a_draft_is_as_good_as_it_was(name):
    right, wrong = FLOORS[name]
    score = score_sample(name, SAMPLES[name])
    assert len(score.right) >= right, score.missing
    assert len(score.wrong) <= wrong, score.wrong


def test_every_sample_feed_of_a_profile_is_measured():
    assert set(SAMPLES) == set(FLOORS)


def test_what_is_drafted_is_nearly_always_right():
    scores = [score_sample(name, path) for name, path in SAMPLES.items()]
    right = sum(len(score.right) for score in scores)
    wrong = sum(len(score.wrong) for score in scores)
    missing = sum(len(score.missing) for score in scores)
    assert right / (right + wrong) >= 0.95
    assert right / (right + wrong + missing) >= 0.78


@pytest.mark.parametrize("name", FLOORS)
def test_no_text_of_a_sample_is_in_its_draft(name):
    with SAMPLES[name].open("rb") as stream:
        sample = read_sample(stream, records=5_000, limits=Limits())
        text = infer_profile(stream, "feed").text
    texts = [
        one
        for record in sample.records
        for value in record.values()
        for one in (value if isinstance(value, list) else [value])
        if isinstance(one, str) and len(one) > 60
    ]
    assert texts
    assert not [one for one in texts if one[:40] in text]
