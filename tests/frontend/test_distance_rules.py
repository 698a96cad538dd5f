"""Distance rules at the cost of their synapses: bounds hold, and pairs are connected as by all distances."""

import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyNN import connectors as pynn
from pyNN.random import NativeRNG, NumpyRNG
from pyNN.space import Space
from scipy import stats

from pycosim import _core
from pycosim.frontend import thinning
from pycosim.frontend.bounds import bound_of
from pycosim.frontend.connectivity import connect
from pycosim.frontend.distances import Distances
from pycosim.frontend.memory_need import expected_synapses
from pycosim.frontend.requests import Request, of_targets

NUMBERS = st.sampled_from(["0", "1", "0.3", "2.5", "7", "40.0", "pi", "e", "sqrt(2)", "np.log(3)", "(1/3)"])
# ways to make a text of one, two or three others
ONE = [
    "(-{})",
    "abs({})",
    "exp({})",
    "exp(-abs({}))",
    "sqrt({})",
    "log({})",
    "cos({})",
    "sin({})",
    "tanh({})",
]
ONE += ["({})**2", "({})**3", "({})**-1", "({})**0.5", "power({}, 3)", "floor({})", "np.square({})", "~({})"]
ONE += ["cosh({})", "arctan({})", "np.cbrt({})", "np.log1p({})", "2**({})", "np.expm1({})", "arcsin({})"]
TWO = [f"({{}} {op} {{}})" for op in "+ - * / < <= > >= == != & | **".split()]
TWO += ["np.maximum({}, {})", "np.minimum({}, {})", "np.hypot({}, {})"]
TEXTS = st.recursive(
    st.just("d") | NUMBERS,
    lambda text: (
        st.builds(str.format, st.sampled_from(ONE), text)
        | st.builds(str.format, st.sampled_from(TWO), text, text)
        | st.builds("np.where({} < {}, {}, {})".format, text, text, text, text)
    ),
    max_leaves=8,
)

RULES = st.sampled_from(
    [
        "exp(-d/3.0)",
        "0.8*exp(-d**2/(2*4.0**2))",
        "d<6",
        "(d > 2) & (d < 5)",
        "0.3",
        "1.5*exp(-d/2)",
        "0.5*(1 + cos(d))*(d < 30)",
        "1/(1 + exp((d - 5)/0.3))",
        "0.9*exp(-(d - 12)**2)",
        "1e-3 + 0*d",
        "0.2*sin(d)",
        "(d == 0)*0.7",
        "0*d",
    ]
)
BOUNDARIES = (None, ((0.0, 30.0), None, (-20.0, 15.5)), ((0.0, 7.0), (1.0, 3.0), (0.0, 50.0)))
SPACES = st.builds(
    Space,
    axes=st.sampled_from(["x", "z", "xy", "yz", "xyz", None]),
    scale_factor=st.sampled_from([1.0, 0.5, -2.0]),
    offset=st.sampled_from([0.0, 7.3, -1e3]),
    periodic_boundaries=st.sampled_from(BOUNDARIES),
)


def as_pynn(text):
    """The function that PyNN makes of a text, also where it would refuse the text."""
    return eval(compile(f"lambda d: {text}", "<text>", "eval", dont_inherit=True), vars(pynn))


def connector_of(text, **keywords):
    connector = pynn.DistanceDependentProbabilityConnector("1.0", **keywords)
    connector.d_expression, connector.distance_function = text, as_pynn(text)
    return connector


def side(places, first=0):
    return SimpleNamespace(
        positions=np.asarray(places, float).T,
        all_cells=np.arange(first, first + len(places)),
        size=len(places),
    )


def request_of(pre, post, text, space=None, wanted=None, stream=2, first_post=10**6, **keywords):
    cells = {"pre": side(pre), "post": side(post, first_post)}
    projection = SimpleNamespace(**cells, space=space or Space(), label="p")
    return Request(connector_of(text, **keywords), projection, 1, stream, wanted)


def matrix_of(connectivity, shape):
    made = np.zeros(shape, bool)
    made[connectivity.sources, connectivity.targets] = True
    assert np.count_nonzero(made) == connectivity.n_synapses
    assert all(np.all(np.diff(row) > 0) for row in np.split(connectivity.targets, connectivity.indptr[1:-1]))
    return made


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.floats(0, 60), st.sampled_from([0.0, 1e-9, 0.01, 1.0, 20.0]), st.integers(0, 2**32 - 1))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_probability_exceeds_its_bound(text, low, width, seed):
    bound = bound_of(connector_of(text, rng=NativeRNG(seed=1)))
    assume(bound is not None)
    high = low + width
    limit = bound(np.array([low]), np.array([high]))
    assume(limit is not None)
    d = np.concatenate([[low, high], np.random.default_rng(seed).uniform(low, high, 400)])
    d = np.clip(np.concatenate([d, np.arange(np.ceil(low), high)]), low, high)
    p = np.array(np.broadcast_to(as_pynn(text)(d), d.shape), float)
    assert not np.isnan(p).any()
    assert np.clip(p, 0, 1).max() <= limit[0] <= 1


@pytest.mark.parametrize(
    ("text", "largest"),
    [
        ("exp(-d/50)", np.exp(-2 / 50)),
        ("0.5*(1 + cos(d))*(d < 2.5)", 0.5 * (1 + np.cos(2))),
        ("1/(1 + exp((d - 100)/5))", 1 / (1 + np.exp(-98 / 5))),
        ("d**2/(1 + d**2)*0.1 + (2 < d)*0.05", 0.05 + 0.1 * 9 / 5),
        ("d > 3", 0.0),
        ("abs(d - 2.5)", 0.5),
    ],
)
def test_bounds_are_those_of_interval_arithmetic(text, largest):
    bound = bound_of(connector_of(text, rng=NativeRNG(seed=1)))
    assert bound(np.array([2.0]), np.array([3.0]))[0] == pytest.approx(largest, rel=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "d/d.max()",
        "fmod(d, 2)",
        "np.random.rand()*d",
        "sqrt(d - 1)",
        "1/(d - 2.5)",
        "d % 2",
        "exp(d<3)",
        "unknown(d)",
    ],
)
def test_what_might_not_be_a_number_or_is_not_known_has_no_bound(text):
    bound = bound_of(connector_of(text, rng=NativeRNG(seed=1)))
    assert bound is None or bound(np.array([0.0]), np.array([3.0])) is None


def test_a_function_that_is_not_the_text_has_no_bound():
    connector = connector_of("exp(-d)", rng=NativeRNG(seed=1))
    assert bound_of(connector) is not None
    connector.distance_function = lambda d: np.exp(-d) + 0.1
    assert bound_of(connector) is None


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@settings(deadline=None, max_examples=120)
@given(RULES, SPACES, st.integers(1, 90), st.integers(1, 60), st.booleans(), st.integers(0, 2**31), st.data())
def test_a_script_s_numbers_make_the_pairs_that_all_distances_give(text, space, n, m, allow_self, seed, data):
    random = np.random.default_rng(seed)
    grid = data.draw(st.booleans())  # distances on the edges of a rule, and of 0
    pre, post = (np.round(random.uniform(-20, 40, (k, 3)), 0 if grid else 9) for k in (n, m))
    keywords = {"space": space, "allow_self_connections": allow_self, "first_post": n // 2}
    request = request_of(pre, post, text, rng=NumpyRNG(seed=seed), **keywords)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thinning, "N_AT_ONCE", 50)
        made = matrix_of(connect(request), (n, m))
    p = np.asarray(as_pynn(text)(space.distances(pre, post)) * np.ones(n * m), float).reshape(n, m)
    if not allow_self:
        p[request.pre_ids[:, None] == request.post_ids] = 0
    numbers = NumpyRNG(seed=seed).rng.random_sample((m, n)).T
    assert np.array_equal(made, numbers < p)


@settings(deadline=None, max_examples=40)
@given(RULES, SPACES, st.integers(0, 2**31), st.sampled_from([1.0, 6.0]))
def test_own_numbers_connect_the_same_pairs_whichever_targets_are_asked_for(text, space, seed, spread):
    random = np.random.default_rng(seed)
    pre, post = random.uniform(-10, 30, (40, 3)), spread * random.uniform(-10, 30, (2500, 3))
    keywords = {"space": space, "rng": NativeRNG(seed=1), "stream": seed, "allow_self_connections": False}
    whole = connect(request_of(pre, post, text, **keywords))
    wanted = random.random(2500) < 0.5 if seed % 2 else np.arange(2500) // 200 % 2 == 0
    if seed % 3 == 0:
        wanted = space.distances(np.zeros(3), post) < 20
    expected = of_targets(whole, wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thinning, "N_AT_ONCE", 60)
        part = connect(request_of(pre, post, text, wanted=wanted, **keywords))
    assert np.array_equal(part.indptr, expected.indptr)
    assert np.array_equal(part.targets, expected.targets)


@pytest.mark.parametrize(
    ("text", "boundaries"),
    [
        ("0.9*exp(-d/12)", None),
        ("exp(-d/40)", ((0.0, 170.0), (0.0, 200.0), None)),
        ("0.02*exp(-d/60) + 0.3*(d > 100)*(d < 130)", None),
        ("0.1*sin(d/7)", ((0.0, 170.0), None, None)),
        ("1e-3/(1 + d)", None),
    ],
)
def test_own_numbers_connect_each_pair_with_its_probability_independently(text, boundaries):
    n, random = 3000, np.random.default_rng(3)
    post = np.column_stack([*random.uniform(0, 170, (2, 2300)), np.zeros(2300)])
    pre = np.tile([[30.0, 60.0, 0.0]], (n, 1))  # so that each source is one draw of the same probabilities
    space = Space(axes="xy", periodic_boundaries=boundaries)
    made = matrix_of(connect(request_of(pre, post, text, space, rng=NativeRNG(seed=1))), (n, 2300))
    p = np.clip(as_pynn(text)(space.distances(pre[:1], post)), 0, 1)
    assert not made[:, p == 0].any()
    assert made[:, p == 1].all()
    # With the seed fixed these are facts; 4 standard deviations would be left by 1 of 16,000 seeds.
    inner = (p > 0) & (p < 1)
    expected, variance = n * p[inner], n * (p * (1 - p))[inner]
    counts = made[:, inner].sum(axis=0)
    often = variance > 5
    if often.any():
        square = np.sum((counts - expected)[often] ** 2 / variance[often])
        assert abs(stats.norm.ppf(np.clip(stats.chi2.cdf(square, often.sum()), 1e-16, 1 - 1e-16))) < 4
    assert abs(counts.sum() - expected.sum()) < 4 * np.sqrt(variance.sum())
    # Numbers of synapses of a source vary as those of independent pairs do.
    sizes = made.sum(axis=1)
    assert np.var(sizes) == pytest.approx(variance.sum() / n, rel=4 * np.sqrt(2 / n + 1 / sizes.sum()))
    halves = made[:, ::2].sum(axis=1), made[:, 1::2].sum(axis=1)
    assert abs(np.corrcoef(*halves)[0, 1]) < 4 / np.sqrt(n)
    assert abs(np.corrcoef(sizes[:-1], sizes[1:])[0, 1]) < 4 / np.sqrt(n)


@pytest.mark.parametrize(
    ("text", "boundaries", "n_axes", "checksum"),
    [
        ("exp(-d/50)", None, 2, 3009570518),
        ("0.8*exp(-d**2/(2*60.0**2))", ((0.0, 1000.0), (0.0, 900.0), (0.0, 800.0)), 3, 2603515646),
        ("0.02*exp(-d/60) + 0.3*(d > 100)*(d < 130)", None, 2, 2396047419),
        ("3e-3/(1 + d/1e3)", ((0.0, 1000.0), None, None), 1, 237369691),
        ("exp(-d/700)", None, 3, 2469693023),
    ],
)
def test_a_seed_of_own_numbers_keeps_its_network(text, boundaries, n_axes, checksum):
    random = np.random.default_rng(8)
    pre, post = random.uniform(0, 1000, (300, 3)), random.uniform(0, 1000, (2601, 3))
    space = Space(axes="xyz"[:n_axes], periodic_boundaries=boundaries)
    made = connect(request_of(pre, post, text, space, rng=NativeRNG(seed=1)))
    assert zlib.crc32(np.concatenate([made.indptr, made.targets]).astype("<i8").tobytes()) == checksum


def test_own_numbers_are_drawn_to_the_end_before_there_are_connections():
    places = np.random.default_rng(1).uniform(0, 50, (40, 3))
    request = request_of(places, places, "exp(-d/9)", rng=NativeRNG(seed=1))
    rule = thinning.bounded_rule(request, Distances(request.projection))
    rows = _core.ThinnedRows(1, 2, *rule.arguments)
    n_candidates = len(rows.draw(30))
    assert n_candidates >= 30
    with pytest.raises(ValueError, match="each candidate needs a probability"):
        rows.keep(np.ones(n_candidates + 1))
    with pytest.raises(RuntimeError, match="all sources"):
        rows.connected()
    rows.keep(np.ones(n_candidates))
    while n := len(rows.draw(30)):
        n_candidates += n
        rows.keep(np.ones(n))
    indptr, targets = rows.connected()
    assert len(indptr) == 41
    assert len(targets) == indptr[-1] == n_candidates


@pytest.mark.parametrize("rng", [NativeRNG(seed=1), NumpyRNG(seed=1)])
def test_a_probability_is_computed_for_hardly_more_pairs_than_are_connected(rng, monkeypatch):
    n_computed, compute = [], thinning.BoundedRule.probabilities
    monkeypatch.setattr(
        thinning.BoundedRule, "probabilities", lambda self, d: n_computed.append(len(d)) or compute(self, d)
    )
    places = np.column_stack([*np.random.default_rng(1).uniform(0, 1000, (2, 3000)), np.zeros(3000)])
    result = connect(request_of(places, places, "exp(-d/20)", rng=rng))
    # 2 pi 20^2 of 10^6 pairs, less at the borders
    assert result.n_synapses == pytest.approx(3000**2 * 2 * np.pi * 400 / 1e6, rel=0.1)
    assert sum(n_computed) < 1.05 * result.n_synapses


def test_the_number_of_synapses_is_known_before_they_are_made(monkeypatch):
    monkeypatch.setattr(thinning, "SMALLEST", 0)
    places = np.column_stack([*np.random.default_rng(1).uniform(0, 1000, (2, 2000)), np.zeros(2000)])
    for rng in (NativeRNG(seed=1), NumpyRNG(seed=1)):
        request = request_of(places, places, "exp(-d/60)", rng=rng)
        # 100 of 2,000 sources with about 44 synapses each: 1.5 %, and 3 % for where they lie
        assert expected_synapses(request) == pytest.approx(connect(request).n_synapses, rel=0.12)
        request = request_of(places, places, "0.2*fmod(d, 1)", rng=rng)  # which has no bounds
        # 100,000 pairs: the mean of p to 0.2 %, and the synapses to 0.3 %
        assert expected_synapses(request) == pytest.approx(connect(request).n_synapses, rel=0.015)
