"""Every fault, on a node with a healthy service and on one with an ill service."""

import contextlib
import importlib
import time

import pytest
from battery import FAULTS, Patient, Row, judge
from process import wait_until

for part in ("process", "service", "files", "writers", "kernel"):
    importlib.import_module(f"faults_of_{part}")  # registers its faults


def cases():
    for fault in FAULTS:
        marks = [mark for mark in ("long", "alone") if getattr(fault, mark)]
        yield pytest.param(fault, id=fault.name.replace(" ", "-"), marks=[getattr(pytest.mark, mark) for mark in marks])


@pytest.mark.parametrize("fault", cases())
def test_fault(net, record, fault):
    lb, stranger = net.host("lb"), net.host("stranger")
    patients = [Patient(net, lb, stranger, health, fault) for health in ("healthy", "unhealthy")]
    rows = [Row(fault.name, patient.health, fault.healthy) for patient in patients]
    for patient, row in zip(patients, rows):
        patient.settle()
        patient.watch()
    struck = time.monotonic()
    with contextlib.ExitStack() as stack:
        for patient in patients:
            stack.enter_context(fault.strike(patient))
        time.sleep(max(0, struck + fault.hold - time.monotonic()))
    ended = time.monotonic()
    for row in rows:
        record(row)
    for patient, row in zip(patients, rows):
        patient.normal_again()
        row.normal_after = round(time.monotonic() - ended, 3)
    wait_until(lambda: time.monotonic() > ended + 0.3, 1, "a while of the normal state")
    for patient, row in zip(patients, rows):
        attempts, strangers = patient.hammer.stop(), patient.stranger_hammer.stop()
        row.reasons = patient.reasons()
        judge(row, attempts, strangers, fault, struck)
    for patient in patients:
        patient.works()
        patient.daemon.finish()
    assert not any(row.wrong for row in rows), [row.wrong for row in rows]
