"""Laws of matrix files: fixed order, nearest names, controls in every matrix."""

import dataclasses

import pytest

from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.matrix_file import shipped_matrices
from tckr_bench.errors import MatrixError, OptionError, PluginError
from tckr_bench.plugin.registry import Registration, Registry, default_registry


def matrix(name="smoke", *settings, datasets=()):
    return load_matrix(name, default_registry(), settings=settings, datasets=datasets)


@pytest.mark.parametrize("name", sorted(shipped_matrices()))
def test_shipped_matrices_load_and_have_their_file_name(name):
    assert matrix(name).file.name == name


@pytest.mark.parametrize("name", sorted(shipped_matrices()))
def test_controls_and_a_teacher_are_in_every_matrix(name):
    roles = {method.name: method.role for method in matrix(name).methods}
    for control in ("memorizer", "noise", "overfit", "untrained"):
        assert roles[control] == "control"
    assert "baseline" in roles.values()


@pytest.fixture
def with_theirs():
    """Return a registry with everything there is, and a metric of somebody else."""
    registry = Registry({**default_registry().registrations})
    component = registry.get("metric", "accuracy").component
    quantities = tuple(dataclasses.replace(each, name=f"their-{each.name}") for each in component.quantities)
    component = dataclasses.replace(component, name="theirs", quantities=quantities)
    registry.add(Registration(family="metric", component=component, distribution="somebody 1"))
    return registry


def test_a_metric_that_is_installed_runs_where_a_matrix_names_it_and_nowhere_else(with_theirs):
    own = [use.name for use in matrix().metrics]
    assert [use.name for use in load_matrix("smoke", with_theirs).metrics] == own
    named = load_matrix("smoke", with_theirs, settings=["metric.theirs={}"]).metrics
    assert sorted(use.name for use in named) == sorted([*own, "theirs"])


def test_a_metric_of_the_harness_that_is_named_runs_once_with_the_options_it_is_given():
    named = matrix("smoke", "metric.wide={component='aop',seed=7}").metrics
    assert [use.name for use in named] == [use.name for use in matrix().metrics]
    assert [(use.label, use.options["seed"]) for use in named if use.name == "aop"] == [("wide", 7)]


def test_expansion_is_deterministic():
    assert matrix("default").methods == matrix("default").methods


def test_the_default_matrix_has_the_methods_its_comments_promise():
    names = [method.name for method in matrix("default").methods if method.role == "method"]
    assert names == [
        "attributes-miniature-lora-small-cnn-soft-1x",
        "attributes-miniature-lora-small-cnn-soft-2x",
        "attributes-miniature-lora-small-cnn-hard-1x",
        "attributes-miniature-none-small-cnn-soft-1x",
    ]


def test_axes_are_multiplied():
    both = matrix("smoke", 'labels=["soft","hard"]', "cardinalities=[0.1,0.2,1]")
    assert sum(method.role == "method" for method in both.methods) == 6


def test_include_adds_the_values_it_names_and_the_first_of_the_others(tmp_path):
    text = shipped_matrices()["smoke"] + '\n[[include]]\nlabels = "hard"\n'
    (tmp_path / "own.toml").write_text(text)
    names = [method.name for method in matrix(str(tmp_path / "own.toml")).methods if method.role == "method"]
    assert names == [
        "attributes-miniature-lora-small-cnn-soft-0.2x",
        "attributes-miniature-lora-small-cnn-hard-0.2x",
    ]


def test_exclude_removes_what_matches_all_its_values(tmp_path):
    text = shipped_matrices()["smoke"].replace('["soft"]', '["soft", "hard"]')
    (tmp_path / "own.toml").write_text(text + '\n[[exclude]]\nlabels = "hard"\n')
    assert sum(method.role == "method" for method in matrix(str(tmp_path / "own.toml")).methods) == 1


def test_set_changes_an_option_and_the_cells_that_use_it():
    methods = {method.name: method for method in matrix("smoke", "generator.steps=7").methods}
    assert methods["attributes-miniature-lora-small-cnn-soft-0.2x"].generator.options["steps"] == 7


def test_set_takes_a_label_where_an_axis_has_several():
    with pytest.raises(MatrixError, match=r"say which one with axis\.label\.option=value"):
        matrix("default", "adapter.rank=8")
    adapters = {
        method.adapter.label: method.adapter
        for method in matrix("default", "adapter.lora.rank=8").methods
        if method.adapter
    }
    assert adapters["lora"].options["rank"] == 8


def test_dataset_replaces_the_datasets_of_the_matrix():
    assert [use.label for use in matrix("default", datasets=("digits",)).datasets] == ["digits"]


def test_seeds_multiply_cells():
    assert len(matrix("smoke", "seeds=[0,1,2]").cells()) == 3 * len(matrix("smoke").cells())


def test_cell_slugs_are_unique():
    slugs = [cell.slug for cell in matrix("default").cells()]
    assert len(set(slugs)) == len(slugs)


@pytest.mark.parametrize(
    ("name", "settings", "error", "sentence"),
    [
        ("defualt", (), MatrixError, "no matrix is called 'defualt'; did you mean 'default'"),
        ("missing.toml", (), MatrixError, "missing.toml cannot be read"),
        ("smoke", ("generator.stepz=3",), OptionError, "no option 'stepz'; did you mean 'steps'"),
        ("smoke", ("generator.steps=many",), OptionError, "option 'steps' of component 'stable-diffusion'"),
        (
            "smoke",
            ("generatr.steps=3",),
            MatrixError,
            "no axis is called 'generatr'; did you mean 'generator'",
        ),
        ("smoke", ("seedz=[1]",), MatrixError, "a matrix has no 'seedz'; did you mean 'seeds'"),
        ("smoke", ("seeds",), MatrixError, "write it as axis.option=value"),
        ("smoke", ("seeds=[]",), MatrixError, "seeds"),
        ("smoke", ("cardinalities=[0]",), MatrixError, "a number above 0"),
        ("smoke", ("cardinalities=[inf]",), MatrixError, "a number above 0"),
        ("smoke", ("cardinalities=[nan]",), MatrixError, "a number above 0"),
        (
            "smoke",
            ("cardinalities=[0.2, 0.2000001]",),
            MatrixError,
            "two methods would be called 'attributes-miniature-lora-small-cnn-soft-0.2x'",
        ),
        ("smoke", ('defence.teacher={component="small-cnn"}',), MatrixError, "two methods would be called 'teacher'"),
        (
            "smoke",
            ("override=3", "override.digits.generator.miniature.steps=3"),
            MatrixError,
            "'override' is not a table",
        ),
        ("smoke", ('labels=["warm"]',), MatrixError, "labels"),
        ("smoke", ("primary_attack=lirra",), MatrixError, "did you mean 'lira'"),
        (
            "smoke",
            ("generator.miniature.component=stable-difusion",),
            PluginError,
            "did you mean 'stable-diffusion'",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_the_nearest_name(name, settings, error, sentence):
    with pytest.raises(error) as caught:
        matrix(name, *settings)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_axis_that_is_not_tables_is_one_sentence():
    for settings in (("generator=5", "generator.steps=2"), ("generator={a=5}", "generator.steps=2"), ("generator=5",)):
        with pytest.raises(MatrixError, match="generator"):
            matrix("smoke", *settings)


@pytest.mark.parametrize("label", ["../up", "a/b", "..", ".hidden", ""])
def test_a_label_cannot_lead_out_of_the_run_folder(tmp_path, label):
    text = shipped_matrices()["smoke"].replace("[generator.miniature]", f'[generator."{label}"]')
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(MatrixError, match="names folders"):
        matrix(str(tmp_path / "own.toml"))


def test_a_selection_of_something_that_is_no_name_is_one_sentence(tmp_path):
    (tmp_path / "own.toml").write_text(shipped_matrices()["smoke"] + '\n[[include]]\nadapter = [["lora"]]\n')
    with pytest.raises(MatrixError, match="is a name or a number"):
        matrix(str(tmp_path / "own.toml"))


def test_an_unknown_dataset_is_one_sentence():
    with pytest.raises(PluginError, match="no dataset is called 'digit'; did you mean 'digits'"):
        matrix("smoke", datasets=("digit",))


@pytest.mark.parametrize("section", ["include", "exclude"])
def test_a_selection_of_something_that_is_not_there_is_refused(tmp_path, section):
    for line, sentence in (
        ('adapter = "lorra"', "did you mean 'lora'"),
        ('adaptr = "lora"', "did you mean 'adapter'"),
    ):
        (tmp_path / "own.toml").write_text(shipped_matrices()["smoke"] + f"\n[[{section}]]\n{line}\n")
        with pytest.raises(MatrixError, match=sentence):
            matrix(str(tmp_path / "own.toml"))


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    (tmp_path / "own.toml").write_text("name = ")
    with pytest.raises(MatrixError, match="not valid TOML"):
        matrix(str(tmp_path / "own.toml"))


def test_a_missing_part_is_named(tmp_path):
    (tmp_path / "own.toml").write_text('name = "own"\ndatasets = ["digits"]\n')
    with pytest.raises(MatrixError, match="'primary_attack' is missing"):
        matrix(str(tmp_path / "own.toml"))


def test_a_group_stands_for_its_datasets_and_a_colon_for_an_option(tmp_path):
    matrix = load_matrix("smoke", default_registry(), datasets=["paper-ten", "cifar10", f"imagefolder:{tmp_path}"])
    labels = [use.label for use in matrix.datasets]
    assert len(labels) == 11
    assert labels[0] == "cifar10"
    assert matrix.datasets[-1].options["path"] == str(tmp_path)


def test_options_of_a_dataset_reach_it_by_its_name(tmp_path):
    settings = [f"dataset.imagefolder.path={str(tmp_path)!r}"]
    matrix = load_matrix("smoke", default_registry(), settings=settings, datasets=["imagefolder"])
    assert matrix.datasets[0].options["path"] == str(tmp_path)


def test_two_folders_of_one_name_are_told_apart_or_refused(tmp_path):
    twice = [f"imagefolder:{tmp_path}/a/photos", f"imagefolder:{tmp_path}/b/photos"]
    with pytest.raises(MatrixError, match="both be called 'imagefolder-photos'"):
        load_matrix("smoke", default_registry(), datasets=twice)


def test_an_option_may_differ_for_one_dataset_and_for_it_alone():
    settings = ["override.digits.classifier.small-cnn.epochs=7"]
    matrix = load_matrix("smoke", default_registry(), settings=settings, datasets=["digits", "fashion-mnist"])
    digits, fashion = (matrix.methods_for(use) for use in matrix.datasets)
    trained = [method for method in digits if method.role in ("baseline", "method")]
    assert {method.classifier.options["epochs"] for method in trained} == {7}
    assert fashion == matrix.methods
    assert [method.name for method in digits] == [method.name for method in fashion]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("override.digits.attack.lira.shadows=2", "override knows no axis 'attack'"),
        ("override.digits.classifier.smallcnn.epochs=2", "did you mean 'small-cnn'"),
    ],
)
def test_a_wrong_override_is_answered_with_a_sentence(setting, sentence):
    with pytest.raises(MatrixError, match=sentence):
        load_matrix("smoke", default_registry(), settings=[setting])
