"""The sound submission that all hostile ones are made from."""

from __future__ import annotations

import pytest
from hostile_files.families import FAMILIES
from hostile_files.judging import judge, summary
from hostile_files.world import REFUSED, make_world


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch):
    """Differences need not be exact where it is asked whether pages are harmless."""
    monkeypatch.setattr("tckr_bench.judging.paired.REPLICATES", 10)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A sound submission; not to be changed."""
    return make_world(tmp_path_factory.mktemp("world") / "sound")


@pytest.fixture(scope="module")
def sample(world):
    """The student's record and the file of the run as JSON."""
    return world.samples


@pytest.fixture
def wrongs(world, sample, tmp_path, record_property):
    """Send in a family, and say of each of its files what a correct program would have done otherwise."""

    def judged(family: str, *, readable: bool = False, **options: bool) -> list[str]:
        found = judge(list(FAMILIES[family](sample)), world, tmp_path / "results", **options)
        record_property("hostile", (len(found), sum(one.outcome == REFUSED for one in found)))
        print(f"{family}: {summary(found)}")
        if readable:
            assert 2 * sum(one.readable for one in found) > len(found), "what nobody can read shows nothing"
        return [one.wrong for one in found if one.wrong]

    return judged


def pytest_terminal_summary(terminalreporter):
    """Say how many hostile files were refused, and how many are shown as text."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    told = [value for report in reports for name, value in report.user_properties if name == "hostile"]
    if told:
        files, refused = (sum(numbers) for numbers in zip(*told, strict=True))
        terminalreporter.write_line(f"{files:,} hostile files: {refused:,} refused, {files - refused:,} shown as text")
