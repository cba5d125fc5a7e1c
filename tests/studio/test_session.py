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
stops = st.lists(spots, max_size=4).map(tuple)
journeys = st.builds(Journey, spots, spots, st.sampled_from(["arc", "chord", "spline", "geodesic"]), st.none() | st.floats(0, 1), stops)
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


def stop(**origin):
    return {"origin": origin, "axes": []}


LINE = [stop(kind="place", layout="pca", x=x, y=0.5) for x in (0, 1, 2)]


def test_two_stops_alone_are_a_path():
    journey = Session("m").patched({"journey": {"kind": "spline", "stops": [stop(kind="entry", row=1), stop(kind="seed", seed=2)], "t": 0.5}}).journey
    assert journey.points == (Spot(Entry(1)), Spot(Seed(2))) and journey.whole


def test_a_session_written_before_there_were_stops_is_still_read():
    old = {"start": stop(kind="seed", seed=1), "end": stop(kind="seed", seed=2), "kind": "chord", "t": 0.25}
    assert Session.from_json({"model": "m", "journey": old}).journey == Journey(Spot(Seed(1)), Spot(Seed(2)), "chord", 0.25)


def test_a_drawn_line_takes_the_place_of_the_ends_and_another_end_takes_its_place():
    before = Session("m").patched({"journey": {"start": stop(kind="seed", seed=1), "end": stop(kind="seed", seed=2)}})
    drawn = before.patched({"journey": {"kind": "drawn", "stops": LINE}})
    assert drawn.journey.points == tuple(Spot(Place("pca", x, 0.5)) for x in (0, 1, 2))
    assert drawn.patched({"journey": {"start": stop(kind="seed", seed=3)}}).journey == Journey(Spot(Seed(3)))


def test_what_was_solved_for_two_ends_stays_while_they_do():
    ends = {"start": stop(kind="seed", seed=1), "end": stop(kind="seed", seed=2)}
    solved = Session("m").patched({"journey": ends | {"kind": "geodesic", "stops": [stop(kind="values", values=[1, 2])]}})
    assert solved.patched({"journey": ends | {"t": 0.5}}).journey.kind == "geodesic"
    assert solved.patched({"journey": {"start": stop(kind="seed", seed=9)}}).journey == Journey(Spot(Seed(9)), Spot(Seed(2)))


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"colr": "x"}, "no 'colr'"),
        ({"spot": {"origin": {"kind": "seed", "seed": -1}}}, "whole number from 0"),
        ({"spot": {"origin": {"kind": "place", "layout": "pca", "x": float("nan"), "y": 0}}}, "finite"),
        ({"spot": {"origin": {"kind": "moon"}}}, "seed, entry, place or values"),
        ({"journey": {"t": 0.5}}, "both its ends"),
        ({"journey": {"kind": "spiral"}}, "spiral"),
        ({"journey": {"pace": "brisk"}}, "brisk"),
        ({"journey": {"stop": []}}, "no 'stop'"),
        ({"journey": {"stops": [stop(kind="entry", row=1)] * 25}}, "at most 24"),
        ({"journey": {"stops": [stop(kind="entry", row=1)], "t": 0.5}}, "two stops"),
        ({"journey": {"kind": "drawn", "stops": [*LINE, stop(kind="entry", row=1)]}}, "places of one map"),
        ({"journey": {"kind": "drawn", "stops": [*LINE, stop(kind="place", layout="bent", x=0, y=0)]}}, "places of one map"),
        ({"locked": "all"}, "list"),
        ({"sampled": 1}, "true or false"),
        ([], "JSON object"),
    ],
)
def test_a_bad_patch_is_refused_with_the_field_at_fault(patch, words):
    with pytest.raises(SessionError, match=words):
        Session("m").patched(patch)
