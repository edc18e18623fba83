"""Faults of what is probed: each closes the gate, with a reason that names it."""

import contextlib

from battery import CLOSES, fault
from process import wait_until


def becomes(mode, words):
    """A fault that gives a healthy service another mode; the ill one stays as it is."""

    @fault(f"the service: {mode}", CLOSES, words, hold=1.5, within=1.0)
    def strike(patient):
        if patient.health == "healthy":
            patient.service.mode(mode)
        yield
        if patient.health == "healthy":
            patient.service.mode("200")


for mode, words in {
    "hang": "no answer within",
    "slow": "no answer within",
    "endless-body": "",
    "endless-header": "",
    "big-body": "",
    "garbage": "",
    "refuse": "refused",
    "silent": "no answer within",
}.items():
    becomes(mode, words)


@fault("the service ends every idle connection", hold=1.5)
def drops(patient):
    for _ in range(5):
        patient.service.drop_connections()
        asked = patient.service.requests()
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: patient.service.requests() > asked, 0.3, "a probe")
    yield


@fault("one bad answer in three", hold=0)
def flapping(patient):
    """Less than `fall` failures in a row are no reason to close."""
    for _ in range(6):
        if patient.health == "healthy":
            for mode, answers in (("500", 1), ("200", 2)):
                asked = patient.service.requests()
                patient.service.mode(mode)
                wait_until(lambda: patient.service.requests() >= asked + answers, 2, "probes")
    yield
