"""Sources that are drawn for each target, with replacement: exact numbers, independent, row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pycosim import _core
from pycosim.network import RowRule
from pycosim.network.row_rule import SLOTS_PER_SOURCE


def rule_of(n_pre, n, first_post=0, *, allow_self=True, seed=1):
    post = first_post + np.arange(len(n))
    return RowRule("drawn sources", seed, 2, np.arange(n_pre), post, n=np.asarray(n), allow_self=allow_self)


def times(rule, wanted=None):
    """How often each source is connected to each target, (n_pre, n_post)."""
    indptr, targets = rule.rows(wanted)
    sources = np.repeat(np.arange(len(rule.pre)), np.diff(indptr))
    assert np.all(np.diff(sources * len(rule.post) + targets) >= 0)
    shape = len(rule.pre), len(rule.post)
    return np.bincount(sources * shape[1] + targets, minlength=shape[0] * shape[1]).reshape(shape)


numbers_of_targets = st.one_of(
    st.lists(st.integers(0, 60), min_size=1, max_size=200),
    st.builds(lambda n, n_post: [n] * n_post, st.integers(0, 40), st.integers(1, 2500)),
)


@settings(deadline=None, max_examples=40)
@given(
    n_pre=st.integers(2, 120),
    n=numbers_of_targets,
    allow_self=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_every_target_has_its_number_of_sources_and_never_itself_if_it_may_not(n_pre, n, allow_self, seed):
    first = n_pre // 2  # some of the targets are sources themselves
    made = times(rule_of(n_pre, n, first, allow_self=allow_self, seed=seed))
    assert np.array_equal(made.sum(axis=0), n)
    own = np.arange(first, min(n_pre, first + len(n)))
    assert allow_self or not np.any(made[own, own - first])


@settings(deadline=None, max_examples=30)
@given(
    n_pre=st.integers(2, 60),
    n=numbers_of_targets,
    allow_self=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_rows_of_some_targets_are_those_of_all_from_a_table_of_their_blocks(n_pre, n, allow_self, seed):
    rule = rule_of(n_pre, n, n_pre // 2, allow_self=allow_self, seed=seed)
    random = np.random.default_rng(seed)
    first, last = np.sort(random.integers(0, len(n) + 1, 2))
    wanted = (np.arange(len(n)) >= first) & (np.arange(len(n)) < last) & (random.random(len(n)) < 0.7)
    mask = wanted.view(np.uint8)
    assert np.array_equal(times(rule, mask), times(rule) * wanted)
    for table_for in (None, wanted):
        # rows are drawn from a table here, to be counted
        assert _core.count_rows(rule.with_slots(table_for).for_engine(), mask) == (np.array(n) * wanted).sum()
    starts = rule.with_slots(wanted).starts(wanted)
    in_blocks = np.ones(len(n), bool) if starts.wanted is None else starts.wanted > 0
    assert starts.n_synapses == np.sum(np.array(n)[in_blocks])


def test_a_number_for_all_targets_is_that_number_for_each():
    one, each = (rule_of(50, [7]), rule_of(50, [7] * 3000))
    one = RowRule("drawn sources", 1, 2, one.pre, each.post, n=np.array([7]))
    assert np.array_equal(times(one), times(each))
    assert np.array_equal(one.with_slots(None).slots.starts, each.with_slots(None).slots.starts)


@pytest.mark.parametrize(
    ("n_pre", "n_post", "n"),
    [(3, 400, 20), (20, 1500, 50), (500, 1000, 100), (1000, 3000, 7), (70, 2200, 300)],
)
def test_sources_are_drawn_as_if_independently(n_pre, n_post, n):
    """The bounds are 5 standard deviations of what independent draws give: p = 6e-7 for each number."""
    made = times(rule_of(n_pre, [n] * n_post, 10**6)).astype(float)
    # Of each target: multinomial numbers, whose chi-squared has the variance 2 (n_pre - 1) (n - 1) / n.
    chi = np.sum((made - n / n_pre) ** 2) / (n / n_pre)
    assert abs(chi - n_post * (n_pre - 1)) < 5 * np.sqrt(n_post * 2 * (n_pre - 1) * (n - 1) / n)
    # Of each source, on all targets.
    expected = n * n_post / n_pre
    assert stats.chi2.sf(np.sum((made.sum(axis=1) - expected) ** 2) / expected, n_pre - 1) > 6e-7
    # How often targets so far apart have the same source: pairs of draws agree independently of each other.
    same = np.array([np.sum(made[:, step:] * made[:, :-step]) / (n_post - step) for step in range(1, 200)])
    sigma = np.sqrt(n**2 / n_pre * (1 - 1 / n_pre) / (n_post - np.arange(1, 200)))
    z = (same - n**2 / n_pre) / sigma
    assert np.abs(z).max() < 5
    assert abs(np.mean(z**2) - 1) < 5 * np.sqrt(2 / len(z))


def test_in_place_of_itself_a_target_has_any_other_source():
    """Chi-squared of each target's sources: p > 1e-6."""
    n_pre, n, n_seeds = 6, 30, 2000
    made = sum(times(rule_of(n_pre, [n] * 8, allow_self=False, seed=seed)) for seed in range(n_seeds))
    for target in range(8):
        others = np.delete(made[:, target], target) if target < n_pre else made[:, target]
        expected = n * n_seeds / len(others)
        assert stats.chi2.sf(np.sum((others - expected) ** 2) / expected, len(others) - 1) > 1e-6


def test_draws_of_other_seeds_and_streams_are_others():
    ids = np.arange(1200), np.arange(1000)
    n = np.full(1000, 60)
    of = [_core.drawn_sources(*key, *ids, n, True)[1] for key in ((1, 2), (1, 3), (2, 2))]
    assert all(np.any(of[0] != other) for other in of[1:])


def test_the_table_takes_an_eighth_of_a_byte_for_a_synapse_but_in_the_last_block():
    for n_pre, n_post, n in ((300, 40_000, 10), (5000, 9000, 100), (40, 5000, 200)):
        slots = rule_of(n_pre, [n] * n_post).with_slots(None).slots
        n_full_blocks = n_post * n / (n_pre * SLOTS_PER_SOURCE)
        assert 1 < slots.n_blocks <= n_full_blocks + 0.5  # what is less than half a block joins the last one
        assert slots.n_bytes == 4 * (n_pre + 1) * slots.n_blocks


@pytest.mark.parametrize(
    ("n_pre", "n", "message"),
    [(5, [3, -1], "must not be negative"), (0, [1], "no neuron"), (5, [2**28 + 1], "more than 2\\^28")],
)
def test_what_cannot_be_drawn_is_refused(n_pre, n, message):
    with pytest.raises(ValueError, match=message):
        rule_of(n_pre, n).rows(None)
    with pytest.raises(ValueError, match=message):
        rule_of(n_pre, n).with_slots(None)


def test_a_neuron_that_may_only_be_connected_to_itself_is_refused():
    with pytest.raises(ValueError, match="no neuron that it may be connected to"):
        rule_of(1, [2, 2], allow_self=False).rows(None)


def test_a_table_that_does_not_fit_is_refused():
    rule = rule_of(50, [40] * 5000)
    part = rule.with_slots(np.arange(5000) < 1000)
    with pytest.raises(ValueError, match="lacks some that are wanted"):
        _core.count_rows(part.for_engine(), None)
    other = RowRule("drawn sources", 1, 2, np.arange(51), rule.post, n=rule.n, slots=part.slots)
    with pytest.raises(ValueError, match="does not fit"):
        _core.count_rows(other.for_engine(), None)
