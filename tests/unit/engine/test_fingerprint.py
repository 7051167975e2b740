"""Laws of cache keys."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tckr_bench.engine.fingerprint import canonical_json, fingerprint, hash_file

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_canonical_json_says_the_same_as_the_value(value):
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(max_size=3), st.integers(), min_size=2, max_size=5))
def test_the_order_of_keys_does_not_matter(value):
    assert fingerprint(dict(reversed(value.items()))) == fingerprint(value)


def test_a_known_value_keeps_its_key():
    # sha256 of {"format":3,"value":{"a":1}}, computed with coreutils' sha256sum: a change here loses every store.
    assert fingerprint({"a": 1}) == "91fdd0e9a061fa40b4d73dced35b2ac707663cbe80ba1695177f27be68ddfd5a"


def test_nan_has_no_key():
    with pytest.raises(ValueError, match=r"NaN|nan|Out of range"):
        fingerprint(float("nan"))


def test_hash_of_a_file_is_its_sha256(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert hash_file(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
