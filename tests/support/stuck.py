"""A thread that stands still, in the middle of its work or wherever it is, while the others of its process go on."""

import contextlib
import ctypes
import os
import pathlib
import platform

# ptrace(2)
_SEIZE, _INTERRUPT, _SYSCALL, _DETACH = 0x4206, 0x4207, 24, 17
_WALL = 0x40000000
# A thread that decides sends, as its pulses, inside of an event; one that waits for events is not stuck.
_SENDS = {"x86_64": {"44", "46"}, "aarch64": {"206", "211"}}[platform.machine()]

_libc = ctypes.CDLL(None, use_errno=True)


def _ptrace(request, thread):
    if _libc.ptrace(ctypes.c_long(request), ctypes.c_long(thread), None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {thread}: {os.strerror(ctypes.get_errno())}")


@contextlib.contextmanager
def standing_still(thread):
    """Stops the thread, and no other, wherever it is: mostly in its wait for events. It goes on when the block ends."""
    _ptrace(_SEIZE, thread)
    _ptrace(_INTERRUPT, thread)
    os.waitpid(thread, _WALL)
    try:
        yield
    finally:
        _ptrace(_DETACH, thread)


@contextlib.contextmanager
def stuck(thread):
    """The same, but stopped as it sends something."""
    with standing_still(thread):
        while pathlib.Path(f"/proc/{thread}/syscall").read_text().split()[0] not in _SENDS:
            _ptrace(_SYSCALL, thread)
            os.waitpid(thread, _WALL)
        yield
