"""Sessions are values that survive a round trip, and are read strictly."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.errors import SessionError
from explorer.studio.session import Entry, Journey, Place, Seed, Session, Spot, Values

finite = st.floats(-50, 50)
origins = st.one_of(
    st.builds(Seed, st.integers(0, 2**32 - 1), st.floats(0, 1)),
    st.builds(Entry, st.integers(0, 10**6)),
    st.builds(Place, st.text(max_size=20), finite, finite),
    st.builds(Values, st.lists(finite, max_size=8).map(tuple)),
)
spots = st.builds(Spot, origins, st.dictionaries(st.integers(0, 40), finite, max_size=5).map(lambda d: tuple(sorted(d.items()))))
journeys = st.builds(Journey, spots, spots, st.sampled_from(["arc", "chord"]), st.none() | st.floats(0, 1))
sessions = st.builds(
    Session,
    model=st.text(max_size=20),
    spot=spots,
    journey=journeys,
    locked=st.sets(st.integers(0, 40)).map(lambda s: tuple(sorted(s))),
    sampled=st.booleans(),
    selection=st.sets(st.integers(0, 999)).map(lambda s: tuple(sorted(s))),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["kind", "seed", "row", "origin", "axes", "start", "end", "t", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(sessions)
def test_a_session_survives_the_round_trip_through_json(session):
    assert Session.from_json(session.to_json()) == session
    assert hash(Session.from_json(session.to_json())) == hash(session)


@given(st.sampled_from([field.name for field in dataclasses.fields(Session)]), anything)
def test_whatever_a_patch_holds_it_is_either_read_or_refused_in_words(name, value):
    try:
        patched = Session("m").patched({name: value})
    except SessionError as error:
        assert str(error).endswith(".")
    else:
        assert Session.from_json(patched.to_json()) == patched


def test_a_patch_replaces_only_what_it_names():
    session = Session("m", Spot(Seed(3)), locked=(1, 2))
    patched = session.patched({"spot": {"origin": {"kind": "entry", "row": 5}, "axes": [[4, 1.5], [2, -1]]}})
    assert patched == Session("m", Spot(Entry(5), ((2, -1.0), (4, 1.5))), locked=(1, 2))


def test_a_patch_of_the_journey_keeps_the_fields_it_does_not_name():
    both = (
        Session("m")
        .patched({"journey": {"start": {"origin": {"kind": "entry", "row": 1}}}})
        .patched({"journey": {"end": {"origin": {"kind": "seed", "seed": 2}}, "t": 0.5}})
    )
    assert both.journey == Journey(Spot(Entry(1)), Spot(Seed(2)), "arc", 0.5)
    assert both.patched({"journey": {"t": None}}).journey == Journey(Spot(Entry(1)), Spot(Seed(2)))


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"colr": "x"}, "no 'colr'"),
        ({"spot": {"origin": {"kind": "seed", "seed": -1}}}, "whole number from 0"),
        ({"spot": {"origin": {"kind": "place", "layout": "pca", "x": float("nan"), "y": 0}}}, "finite"),
        ({"spot": {"origin": {"kind": "moon"}}}, "seed, entry, place or values"),
        ({"journey": {"t": 0.5}}, "both its ends"),
        ({"journey": {"kind": "spiral"}}, "spiral"),
        ({"locked": "all"}, "list"),
        ({"sampled": 1}, "true or false"),
        ([], "JSON object"),
    ],
)
def test_a_bad_patch_is_refused_with_the_field_at_fault(patch, words):
    with pytest.raises(SessionError, match=words):
        Session("m").patched(patch)
