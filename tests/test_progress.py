"""Reports reach the listener that is installed, there and nowhere else."""

import threading

import pytest

from skisp._progress import Progress, listening, report


def test_without_a_listener_a_report_is_lost_in_silence(capsys):
    report("fit", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_listener_hears_every_report_of_its_block_and_none_after():
    heard = []
    with listening(heard.append):
        report("fit", 1, 2)
        report("fit", 2, 2, "loss 3")
    report("fit", 3, 3)
    assert heard == [Progress("fit", 1, 2, ""), Progress("fit", 2, 2, "loss 3")]


def test_the_inner_listener_hears_alone_and_the_outer_one_again_after():
    outer, inner = [], []
    with listening(outer.append):
        with listening(inner.append):
            report("inner", 1, 1)
        report("outer", 1, 1)
    assert [step.task for step in inner] == ["inner"]
    assert [step.task for step in outer] == ["outer"]


def test_a_listener_is_gone_after_an_error():
    heard = []
    with pytest.raises(KeyError), listening(heard.append):
        raise KeyError
    report("fit", 1, 1)
    assert heard == []


def test_other_threads_are_not_heard():
    heard = []
    with listening(heard.append):
        worker = threading.Thread(target=report, args=("elsewhere", 1, 1))
        worker.start()
        worker.join()
    assert heard == []
