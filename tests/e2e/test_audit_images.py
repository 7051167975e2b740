"""`tckr-bench audit-images` as it is typed: exit codes, one page, and mistakes in one sentence."""

import json

from image_folders import write_world


def test_a_trace_is_exit_code_1_and_json_is_all_of_standard_output(command):
    write_world(command.folder, size=40, released=40)
    typed = ("audit-images", "synthetic", "--train", "train", "--holdout", "holdout", "--json")
    out, err = command(*typed, code=1)
    assert json.loads(out)["answer"] == "trace"
    assert "Page: image-audit.html" in err
    assert (command.folder / "image-audit.html").is_file()


def test_a_mistake_is_exit_code_2_and_one_sentence(command):
    write_world(command.folder, size=8)
    _out, err = command("audit-images", "synthetic", "--train", "train", "--holdout", "holdout", code=2)
    assert "8 training and 8 hold-out images are too few" in err
    assert "Traceback" not in err
    assert not (command.folder / "image-audit.html").exists()
