"""The command itself: quick help, examples, and one sentence for every mistake."""

import os
import subprocess
import sys

import pytest
from PIL import Image

HEAVY = ("torch", "numpy", "transformers", "datasets", "diffusers", "timm", "scipy", "vl_convert", "sklearn")


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom tckr_bench.cli import cli\n"
        "result = CliRunner().invoke(cli, ['--help'])\nassert result.exit_code == 0, result.output\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_listing_plugins_and_planning_does_not_import_torch():
    code = (
        "import sys\nfrom tckr_bench.engine.matrix import load_matrix\n"
        "from tckr_bench.plugin.registry import default_registry\nload_matrix('default', default_registry())\n"
        "print([name for name in ('torch', 'transformers', 'datasets', 'diffusers', 'timm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def commands(group=None, path=()):
    from tckr_bench.cli import cli

    for name, command in (group or cli).commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_has_examples_in_its_help(path):
    from click.testing import CliRunner

    from tckr_bench.cli import cli

    result = CliRunner().invoke(cli, [*path, "--help"])
    assert "Examples:" in result.output
    assert f"tckr-bench {path[0]}" in result.output


def test_lists_and_doctor_answer(command):
    assert "stable-diffusion" in command("plugins", "list")[0]
    assert "guidance" in command("plugins", "show", "stable-diffusion")[0]
    assert "fashion-mnist" in command("datasets", "list")[0]
    assert "torch" in command("doctor")[0]
    assert "artifacts" in command("cache", "info")[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "--matrix", "defualt"), "did you mean 'default'?"),
        (("run", "--matrix", "smoke", "--dataset", "digit"), "did you mean 'digits'?"),
        (("run", "--matrix", "smoke", "--set", "generator.stepz=1"), "did you mean 'steps'?"),
        (("run", "--matrix", "smoke", "--set", "generator.steps=none"), "option 'steps'"),
        (("run", "--matrix", "smoke", "--set", "attack.lira.component=lyra"), "did you mean 'lira'?"),
        (("run", "--matrix", "smoke", "--dataset", "cifar10"), "TCKR_BENCH_DATA"),
        (("plugins", "show", "lorra"), "did you mean 'lora'?"),
        (("plugins", "list", "--family", "atack"), "did you mean 'attack'?"),
        (("report", "nowhere"), "nowhere"),
        (("compare", "nothing-like-it"), "nothing-like-it"),
        (("run", "--jobs", "0"), "0"),
        (("rum",), "No such command"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(command, arguments, sentence):
    _out, err = command(*arguments, code=2)
    assert sentence in err
    assert "Traceback" not in err


def image_folder(root, *, classes=("cat", "dog"), per_class=6):
    for split in ("train", "test"):
        for name in classes:
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(per_class):
                Image.new("RGB", (16, 16), (index * 20, 100, 50)).save(folder / f"{index}.png")
    return root


def own_data(root):
    return ("run", "--matrix", "smoke", "--dataset", "imagefolder", "--set", f'dataset.imagefolder.path="{root}"')


def test_an_empty_class_folder_is_one_sentence(command, tmp_path):
    root = image_folder(tmp_path / "data")
    (root / "train" / "fish").mkdir()
    _out, err = command(*own_data(root), code=2)
    assert "fish" in err
    assert "Traceback" not in err


def test_a_class_that_only_the_test_set_has_is_one_sentence(command, tmp_path):
    root = image_folder(tmp_path / "data")
    (root / "train" / "cat").rename(root / "elsewhere")
    _out, err = command(*own_data(root), code=2)
    assert "cat" in err
    assert "Traceback" not in err


def test_an_unreadable_image_is_one_sentence(command, tmp_path):
    root = image_folder(tmp_path / "data")
    (root / "test" / "dog" / "3.png").write_bytes(b"not an image")
    _out, err = command(*own_data(root), code=2)
    assert "3.png" in err
    assert "Traceback" not in err


def test_a_read_only_store_is_one_sentence(command):
    if os.geteuid() == 0:  # root may write anywhere, so put a file in the way
        command.store.write_text("")
    else:
        command.store.mkdir(mode=0o500)
    _out, err = command("run", "--matrix", "smoke", code=2)
    assert "store" in err
    assert "Traceback" not in err


def test_a_full_disk_is_one_sentence(command, tmp_path):
    code = (
        "import errno, os, sys\nfrom tckr_bench.engine import store\n"
        "def full(*_): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "store.tempfile.TemporaryFile = lambda **_: full()\n"
        "sys.argv = ['tckr-bench', 'run', '--matrix', 'smoke']\nfrom tckr_bench.cli import main\nmain()"
    )
    arguments = {"capture_output": True, "text": True, "env": command.environment(), "cwd": tmp_path}
    done = subprocess.run([sys.executable, "-c", code], check=False, **arguments)
    assert done.returncode == 2
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
