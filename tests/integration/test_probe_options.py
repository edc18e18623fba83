"""Every option of a probe stands in healthgate.conf(5) and in the table of a test that proves it, and no other."""

import importlib
import pathlib
import re

import pytest
from probing import proven

HERE = pathlib.Path(__file__).parent
MANUAL = (HERE / "../../packaging/man/healthgate.conf.5").read_text()


def documented(heading, subheading=None):
    """The terms below a .SH of the page, and below a .SS of it where one is named."""
    section = MANUAL.split(f".SH {heading}\n")[1].split("\n.SH ")[0]
    if subheading:
        section = section.split(f".SS {subheading}\n")[1].split("\n.SS ")[0]
    return {term.replace("\\-", "-") for term in re.findall(r"^\.TP\n\.B (\S+)$", section, re.M)}


@pytest.fixture(scope="module", autouse=True)
def tables():
    for file in HERE.glob("test_probe_*.py"):
        importlib.import_module(file.stem)


def test_each_option_of_a_probe_is_proven_and_each_proven_one_documented():
    assert proven("probe") | {"url"} == documented("KEYS OF [probe.NAME]")  # each row has a url


def test_each_option_of_a_gates_probing_is_proven():
    everywhere = {"port", "probe"}  # no test without them
    assert proven("gate") | everywhere == documented("KEYS OF [gate.NAME]", "Probing")
