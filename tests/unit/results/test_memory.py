"""Laws of what is remembered: the same content is not computed again, other content is, and damage costs time alone."""

from __future__ import annotations

import dataclasses

import pytest
from submitted_runs import board, finished_run, remembered_measurements

from tckr_bench.plugin.registry import default_registry
from tckr_bench.results import examination, memory
from tckr_bench.results.examination import ExaminationTask, examine_all
from tckr_bench.results.files import pictures_path, read_run, record_folder, scores_name
from tckr_bench.results.memory import memory_key, recall, remember

CLOTHES = ("clothes",)
STUDENT = "attributes-miniature-lora"


@pytest.fixture
def found(tmp_path):
    return board(tmp_path, CLOTHES)


@pytest.fixture(autouse=True)
def computed(found, monkeypatch, tmp_path):
    """The evidence that measurements were computed of, with a memory that is the test's own."""
    monkeypatch.setenv("TCKR_BENCH_STORE", str(tmp_path / "store"))
    found = []

    def compute(evidence, metrics, **asked):
        found.append(evidence)
        return remembered_measurements(evidence, metrics, **asked)

    monkeypatch.setattr(examination, "compute_measurements", compute)
    return found


def tasks(found, name="dp-sgd"):
    record = found.record(name)
    return [
        ExaminationTask(found.folder, record, 0),
        ExaminationTask(found.folder, record, 1),
        ExaminationTask(found.folder, record, None),
    ]


def test_what_was_examined_is_not_computed_again_and_gives_the_same(found, computed):
    told = []
    first = examine_all(tasks(found, STUDENT), progress=told.append)
    assert (len(computed), told) == (2, [1, 2, 3])
    assert examine_all(tasks(found, STUDENT), progress=told.append) == first
    assert (len(computed), told) == (2, [1, 2, 3])


def test_a_copy_elsewhere_is_the_same_content(found, computed):
    first = examine_all(tasks(found)[:2])
    run = read_run(finished_run(CLOTHES))
    record = next(record for record in run.records if record.method.name == "dp-sgd")
    assert examine_all([ExaminationTask(run.folder, record, 0), ExaminationTask(run.folder, record, 1)]) == first
    assert len(computed) == 2


def test_only_what_is_new_is_computed(found, computed):
    examine_all(tasks(found)[:1])
    examine_all(tasks(found)[:2])
    assert len(computed) == 2


def change_the_scores(found, monkeypatch):
    found.change_evidence("dp-sgd", lambda evidence: dataclasses.replace(evidence, test_logits=-evidence.test_logits))


def change_the_record(found, monkeypatch):
    found.change_measurement("dp-sgd", "accuracy", value=0.99)


def change_the_primary_attack(found, monkeypatch):
    found.change_run(primary_attack="loss")


def install_another_version(found, monkeypatch):
    monkeypatch.setattr(memory, "_version", lambda: "99")


def change_the_arithmetic(found, monkeypatch):
    monkeypatch.setattr(memory, "_code", lambda rooms: "other code")


def install_another_metric(found, monkeypatch):
    entry = default_registry().get("metric", "accuracy")
    revised = dataclasses.replace(entry, component=dataclasses.replace(entry.component, version="99"))
    monkeypatch.setitem(default_registry().registrations, ("metric", "accuracy"), revised)


CHANGES = (
    change_the_scores,
    change_the_record,
    change_the_primary_attack,
    install_another_version,
    change_the_arithmetic,
    install_another_metric,
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_anything_a_finding_rests_on_is_looked_into_again(change, found, computed, monkeypatch):
    examine_all(tasks(found)[:1])
    change(found, monkeypatch)
    examine_all(tasks(found)[:1])
    assert len(computed) == 2


@pytest.mark.parametrize("room", memory.ARITHMETIC)
def test_code_that_changes_in_a_room_of_arithmetic_is_another_arithmetic(room, tmp_path):
    package = tmp_path / "package"
    path = package / room / "sums.py"
    path.parent.mkdir(parents=True)
    path.write_text("a + b")
    before = memory.digest_of_code(package)
    path.write_text("a - b")
    assert memory.digest_of_code(package) != before


def test_what_is_done_is_remembered_though_what_follows_fails(found, computed, monkeypatch):
    examine = examination.examine

    def failing(task):
        if task.seed == 1:
            raise KeyboardInterrupt
        return examine(task)

    monkeypatch.setattr(examination, "examine", failing)
    with pytest.raises(KeyboardInterrupt):
        examine_all(tasks(found)[:2])
    monkeypatch.setattr(examination, "examine", examine)
    examine_all(tasks(found)[:1])
    assert len(computed) == 1


def test_a_byte_of_a_score_file_that_changed_is_found_though_it_was_examined_before(found):
    examine_all(tasks(found))
    path = found.scores("dp-sgd")
    path.write_bytes(path.read_bytes()[:-1] + b"2")
    assert "is not the file the record names" in examine_all(tasks(found))[0].faults[0]


def test_what_was_found_faulty_is_looked_into_again(found, computed):
    found.change_measurement("dp-sgd", "accuracy", value=0.99)
    for count in (1, 2):
        assert examine_all(tasks(found)[:1])[0].faults
        assert len(computed) == count


def test_a_link_is_never_remembered_as_the_file_it_leads_to(found):
    examine_all(tasks(found))
    record = found.record("dp-sgd")
    path = record_folder(found.folder, record) / scores_name(record, 0)
    path.rename(path.with_name("other"))
    path.symlink_to("other")
    assert "are not there" in examine_all(tasks(found))[0].faults[0]


def test_pictures_are_looked_into_again_when_they_changed(found):
    task = tasks(found, STUDENT)[2]
    assert examine_all([task])[0].faults == ()
    pictures_path(found.folder, task.record).write_bytes(b"PAR1")
    assert examine_all([task])[0].faults


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something to remember."""

    words: tuple[str, ...]


def test_what_is_remembered_is_recalled_under_its_key_alone():
    key = memory_key("a", 1)
    assert recall(key, Finding) is None
    remember(key, Finding(("yes",)))
    assert recall(key, Finding) == Finding(("yes",))
    assert recall(memory_key("a", 2), Finding) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"words": 3}', b"\xff"])
def test_a_damaged_memory_is_none(content, tmp_path):
    remember(memory_key("a"), Finding(("yes",)))
    (path,) = (path for path in (tmp_path / "store").rglob("*") if path.is_file())
    path.write_bytes(content)
    assert recall(memory_key("a"), Finding) is None


def test_a_memory_that_cannot_be_written_is_none(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TCKR_BENCH_STORE", str(tmp_path / "file"))
    remember(memory_key("a"), Finding(("yes",)))
    assert recall(memory_key("a"), Finding) is None
