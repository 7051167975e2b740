"""Laws of score files: what is written is read to the last bit, what is hostile is refused before it is unpacked."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from submitted_runs import small_cells, small_evidence

from tckr_bench.errors import RunError
from tckr_bench.records import AttackScores, CellEvidence, PrivacyGuarantee, ShadowAudit, ThreatModel
from tckr_bench.results import scores
from tckr_bench.results.identity import digest_of
from tckr_bench.results.recomputation import compute_measurements
from tckr_bench.results.scores import narrow, narrowed, read_scores, write_scores


@pytest.fixture(scope="module")
def evidence():
    return small_evidence(small_cells()[2], key=(7,))


@pytest.fixture
def file(evidence, tmp_path):
    write_scores(evidence, tmp_path / "scores.parquet")
    return tmp_path / "scores.parquet"


def arrays_of(evidence):
    parts = {"labels": evidence.test_labels, "logits": evidence.test_logits, "teacher": evidence.teacher_logits}
    for label, attack in evidence.attacks.items():
        parts |= {f"{label}/{name}": value for name, value in vars(attack).items() if isinstance(value, np.ndarray)}
        for part in (attack.audit, attack.copies):
            parts |= (
                {f"{label}/{name}": value for name, value in vars(part).items() if value is not None} if part else {}
            )
    return parts


def assert_same(one, other):
    first, second = arrays_of(one), arrays_of(other)
    assert list(first) == list(second)
    for name, array in first.items():
        assert array.dtype == second[name].dtype, name
        assert array.shape == second[name].shape, name
        assert array.tobytes() == second[name].tobytes(), name
    assert list(one.attacks) == list(other.attacks)
    assert [attack.threat_model for attack in one.attacks.values()] == [
        attack.threat_model for attack in other.attacks.values()
    ]
    assert (one.primary_attack, one.guarantee) == (other.primary_attack, other.guarantee)
    assert digest_of(one) == digest_of(other)


def written(evidence, folder):
    write_scores(evidence, folder / "written.parquet")
    return read_scores(folder / "written.parquet")


def test_what_is_written_is_read_to_the_last_bit(evidence, file):
    assert evidence.attacks["adaptive-lira"].audit is not None
    assert evidence.attacks["nearest-copy"].copies is not None
    assert_same(evidence, read_scores(file))


def test_the_order_of_attacks_and_a_guarantee_are_kept(evidence, tmp_path):
    backwards = dataclasses.replace(
        evidence,
        attacks=dict(reversed(evidence.attacks.items())),
        guarantee=PrivacyGuarantee(7.9, 1e-5, "rdp"),
    )
    assert_same(backwards, written(backwards, tmp_path))


@pytest.mark.parametrize("shadows", [1, 3, 40])
@pytest.mark.parametrize("canaries", [0, 1, 7])
def test_audits_of_any_shape_are_kept_and_so_are_those_without_canaries(evidence, shadows, canaries, tmp_path):
    lira = evidence.attacks["lira"]
    audit = ShadowAudit(
        np.full(shadows, 0.5),
        np.zeros(int((~lira.canaries).sum())),
        np.arange(shadows * canaries, dtype=np.float64).reshape(shadows, canaries),
        np.ones((shadows, canaries), dtype=bool),
    )
    changed = dataclasses.replace(evidence, attacks={"lira": dataclasses.replace(lira, audit=audit)})
    assert_same(changed, written(changed, tmp_path))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_extreme_values_are_kept(evidence, kind, tmp_path):
    logits = evidence.test_logits.astype(kind)
    logits[0, :4] = (-0.0, np.finfo(kind).tiny / 2, np.finfo(kind).max, -np.finfo(kind).eps)
    changed = dataclasses.replace(evidence, test_logits=logits)
    assert_same(changed, written(changed, tmp_path))


def test_the_same_evidence_gives_the_same_bytes(evidence, file, tmp_path):
    write_scores(read_scores(file), tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == file.read_bytes()


def test_any_tool_reads_the_columns_by_their_names(evidence, file):
    table = pq.read_table(file)
    column = table.column("attack/lira/scores").to_pylist()
    assert [value for value in column if value is not None] == evidence.attacks["lira"].scores.tolist()
    assert np.array_equal(np.array(table.column("test_logits#3").drop_null()), evidence.test_logits[:, 3])


def test_a_byte_that_is_changed_is_refused_or_changes_the_digest(evidence, file):
    content, digest = file.read_bytes(), digest_of(evidence)
    generator = np.random.default_rng(0)
    outcomes = []
    for index in generator.choice(len(content), 60, replace=False):
        changed = bytearray(content)
        changed[index] ^= 1 << int(generator.integers(8))
        file.write_bytes(changed)
        try:
            outcomes.append(digest_of(read_scores(file)) != digest or bytes_that_say_nothing(file, evidence))
        except RunError:
            outcomes.append(True)
    assert all(outcomes)


def bytes_that_say_nothing(file, evidence):
    """Return whether a file with another byte holds the same evidence after all: Parquet has some, as who wrote it."""
    assert_same(read_scores(file), evidence)
    return True


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_file_cut_short_is_refused(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(RunError, match=r"scores\.parquet"):
        read_scores(file)


def test_a_file_that_is_not_there_is_said_in_a_sentence(tmp_path):
    with pytest.raises(RunError, match=r"absent\.parquet cannot be read"):
        read_scores(tmp_path / "absent.parquet")


def about(file):
    return json.loads(pq.read_schema(file).metadata[b"tckr_bench_scores"])


def saved(table, path, header, **options):
    metadata = {b"tckr_bench_scores": json.dumps(header).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, **options)
    return path


def test_sixty_million_equal_values_in_a_few_bytes_are_refused_unread(tmp_path, monkeypatch):
    values = pa.DictionaryArray.from_arrays(pa.array(np.zeros(60_000_000, dtype=np.int8)), pa.array([0.0])).cast(
        "double"
    )
    path = saved(pa.table({"test_logits": values}), tmp_path / "bomb.parquet", {}, row_group_size=60_000_000)
    del values
    assert path.stat().st_size < 2**20
    monkeypatch.setattr(pq.ParquetFile, "read", not_to_be_called)
    with pytest.raises(RunError, match="it declares no values, or more than"):
        read_scores(path)


def not_to_be_called(*given, **named):
    pytest.fail("the file was unpacked")


HOSTILE = {
    "more columns than may be": (lambda t: pa.table({f"c{n}": [0.0] for n in range(4_001)}), "more than 4,000 columns"),
    "no rows": (lambda t: t.slice(0, 0), "declares no values"),
    "a list": (lambda t: t.append_column("deep", pa.array([[[0.0]]] * len(t))), "a column has the type list"),
    "a struct": (lambda t: t.append_column("deep", pa.array([{"a": 0.0}] * len(t))), "a column has the type struct"),
    "a dictionary": (
        lambda t: t.append_column("text", pa.array(["a"] * len(t)).dictionary_encode()),
        "a column has the type dictionary",
    ),
    "text": (lambda t: t.append_column("text", pa.array(["a"] * len(t))), "a column has the type string"),
    "two columns of one name": (
        lambda t: t.append_column("test_labels", t.column("test_labels")),
        "two columns have one name",
    ),
    "a column that is not described": (
        lambda t: t.append_column("more", t.column("attack/lira/scores")),
        "its columns are not those",
    ),
    "a column less": (lambda t: t.drop_columns(["attack/lira/scores"]), "it has no column attack/lira/scores"),
    "a column too short": (
        lambda t: t.set_column(
            t.column_names.index("attack/lira/scores"), "attack/lira/scores", pa.nulls(len(t), "double")
        ),
        "does not hold 400 values",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_table_that_is_not_evidence_is_refused_with_the_reason(name, file):
    change, words = HOSTILE[name]
    table, header = pq.read_table(file), about(file)
    changed = change(table)
    with pytest.raises(RunError, match=words):
        read_scores(saved(changed, file, header, row_group_size=max(1, len(changed))))


def test_several_groups_of_rows_are_refused(file):
    with pytest.raises(RunError, match="more than one group of rows"):
        read_scores(saved(pq.read_table(file), file, about(file), row_group_size=100))


def test_a_file_without_description_is_refused(file):
    pq.write_table(pq.read_table(file).replace_schema_metadata({}), file)
    with pytest.raises(RunError, match="no description of evidence"):
        read_scores(file)


def test_a_file_larger_than_may_be_is_refused_unread(file, monkeypatch):
    monkeypatch.setattr(scores, "MOST_BYTES", file.stat().st_size - 1)
    monkeypatch.setattr(pq, "ParquetFile", not_to_be_called)
    with pytest.raises(RunError, match="more than"):
        read_scores(file)


HEADERS = {
    "no object": lambda header: [],
    "no shapes": lambda header: {"evidence": header["evidence"]},
    "shapes that are a list": lambda header: {**header, "shapes": [1, 2]},
    "a negative shape": lambda header: with_shape(header, [-1]),
    "an endless shape": lambda header: with_shape(header, [float("inf")]),
    "an immense shape": lambda header: with_shape(header, [2**24, 2**24]),
    "a shape that is no list": lambda header: with_shape(header, 400),
    "three dimensions": lambda header: with_shape(header, [4, 10, 10]),
    "no evidence": lambda header: {**header, "evidence": {}},
    "evidence that is text": lambda header: {**header, "evidence": "all"},
    "an attack with no name in the order": lambda header: with_evidence(header, order=["lira"]),
    "a threat model that is none": lambda header: with_evidence(header, threat_models={"lira": 3}),
    "an array that repeats one that is not there": lambda header: with_evidence(header, same={"test_labels": "x"}),
    "a guarantee that is none": lambda header: with_evidence(header, guarantee={"epsilon": "none"}),
}


def with_shape(header, shape):
    return {**header, "shapes": {**header["shapes"], "attack/lira/scores": shape}}


def with_evidence(header, **changes):
    return {**header, "evidence": {**header["evidence"], **changes}}


@pytest.mark.parametrize("name", HEADERS)
def test_a_description_that_is_none_is_refused_in_a_sentence(name, file):
    with pytest.raises(RunError, match=r"the score file scores\.parquet (is not valid|holds no evidence)"):
        read_scores(saved(pq.read_table(file), file, HEADERS[name](about(file)), row_group_size=10**6))


def test_evidence_that_cannot_be_is_refused(evidence, tmp_path):
    unfinished = evidence.test_logits.copy()
    unfinished[0, 0] = np.nan
    with pytest.raises(RunError, match="holds no evidence: test_logits are not finite"):
        written(dataclasses.replace(evidence, test_logits=unfinished), tmp_path)


VALUES = arrays.arrays(
    np.float64,
    st.integers(0, 40),
    elements=st.one_of(
        st.floats(-1e6, 1e6), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, -0.0, 1.0])
    ),
)


@given(VALUES)
@example(np.array([1.0, 1.0 + 1e-12, 1.0]))
@example(np.array([1e300, 2e300]))
@example(np.array([3.4028234e38, 3.4028233e38, 3.4028235e38]))
@example(np.array([0.0, -0.0, 1e-300, -1e-300]))
def test_narrowing_keeps_order_and_ties_or_leaves_everything(values):
    found = narrow(values)
    assert found.dtype == np.float64
    for relation in (np.less, np.equal):
        assert np.array_equal(relation.outer(values, values), relation.outer(found, found))
    assert np.array_equal(found, values) or np.array_equal(found.astype(np.float32), found)


@given(arrays.arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6).map(lambda value: round(value, 1))))
def test_narrowed_scores_are_about_as_high_as_they_were(values):
    step = 2.0**-18 * np.maximum(np.abs(values), np.abs(narrow(values))) + 2.0**-140
    assert (np.abs(narrow(values) - values) <= (1 + len(values)) * step).all()


@given(VALUES)
def test_narrowing_twice_is_narrowing_once(values):
    assert np.array_equal(narrow(narrow(values)), narrow(values))


def test_narrowed_scores_take_single_precision_in_the_file_and_are_read_in_double(evidence, tmp_path):
    found = written(narrowed(evidence), tmp_path)
    assert_same(narrowed(evidence), found)
    schema = pq.read_schema(tmp_path / "written.parquet")
    assert str(schema.field("attack/lira/scores").type) == "float"
    assert str(schema.field("attack/adaptive-lira/audit/vulnerability").type) == "float"
    assert str(schema.field("attack/nearest-copy/copies/to_members").type) == "double", (
        "distances are numbers, not ranks"
    )
    assert found.attacks["lira"].scores.dtype == np.float64


def test_scores_that_single_precision_would_tie_keep_their_order_in_it(evidence, tmp_path):
    lira = evidence.attacks["lira"]
    close = dataclasses.replace(lira, scores=1 + 1e-12 * np.arange(len(lira.scores)))
    found = written(narrowed(dataclasses.replace(evidence, attacks={"lira": close})), tmp_path)
    assert (np.diff(found.attacks["lira"].scores) > 0).all()
    assert str(pq.read_schema(tmp_path / "written.parquet").field("attack/lira/scores").type) == "float"


def test_scores_beyond_single_precision_stay_as_they_are(evidence, tmp_path):
    lira = evidence.attacks["lira"]
    far = dataclasses.replace(lira, scores=1e300 * np.arange(len(lira.scores)) / len(lira.scores))
    changed = dataclasses.replace(evidence, attacks={"lira": far})
    assert_same(changed, written(narrowed(changed), tmp_path))
    assert str(pq.read_schema(tmp_path / "written.parquet").field("attack/lira/scores").type) == "double"


def test_no_measurement_changes_by_narrowing(evidence):
    assert not np.array_equal(narrowed(evidence).attacks["lira"].scores, evidence.attacks["lira"].scores)
    assert compute_measurements(narrowed(evidence)) == compute_measurements(evidence)


def test_a_record_of_4000_examples_and_27_attacks_takes_less_than_600_kilobytes(tmp_path):
    generator = np.random.default_rng(0)
    members, canaries = np.arange(4000) < 2000, np.arange(4000) % 40 == 0
    model = ThreatModel("class probabilities", "shadow models")
    attacks = {
        f"attack-{number}": AttackScores(
            f"attack-{number}", generator.normal(size=4000), members, canaries, model, labels=np.arange(4000) % 10
        )
        for number in range(27)
    }
    logits = generator.normal(size=(2, 2000, 10)).astype(np.float32)
    made = CellEvidence(np.arange(2000) % 10, *logits, attacks, "attack-0")
    write_scores(narrowed(made), tmp_path / "scores.parquet")
    assert (tmp_path / "scores.parquet").stat().st_size < 600_000
