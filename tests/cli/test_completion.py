"""Completion in shells."""

import shutil
import subprocess
import sys

import pytest

from skisp.cli import main
from skisp.cli._completion import SHELLS


def printed(shell, capsys):
    pytest.importorskip("shtab")
    with pytest.raises(SystemExit) as stop:
        main(["--print-completion", shell])
    assert stop.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("shell", SHELLS)
def test_all_commands_and_options_are_in_it(shell, capsys):
    script = printed(shell, capsys)
    assert all(word in script for word in ("propagate", "sequence", "style-weights", "faithful"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("words", "found"),
    [("seq", "sequence"), ("propagate a.jpg --preset b", "balanced bold"), ("score a.jpg --style pai", "painting.jpg")],
)
def test_bash_completes_commands_choices_and_files(tmp_path, capsys, words, found):
    (tmp_path / "skisp.bash").write_text(printed("bash", capsys))
    (tmp_path / "painting.jpg").touch()
    words = ["skisp", *words.split()]
    line = f"source skisp.bash; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _shtab_skisp"
    done = subprocess.run(
        ["bash", "-c", f'{line}; echo "${{COMPREPLY[@]}}"'], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == found


def test_without_the_extra_it_is_said_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["--print-completion", "bash"]) == 2
    assert capsys.readouterr().err == "skisp: error: completion needs shtab; pip install shtab\n"
