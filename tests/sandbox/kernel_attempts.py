# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What hostile code would ask of the kernel. ``ESCAPED`` it says where the kernel did it, or at least looked at it."""

import platform

from agents.adapters.sandbox import JobLimits
from tests.sandbox.attempts import Attempt

IS_X86 = platform.machine() == "x86_64"
_N = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "clone": (56, 220),
    "clone3": (435, 435),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "kexec_load": (246, 104),
    "open_by_handle_at": (304, 265),
    "personality": (135, 92),
}
NUMBER = {name: pair[0 if IS_X86 else 1] for name, pair in _N.items()}


def _asks(name: str, *words: str) -> str:
    """Ask for one call of the kernel; whatever it answers but the filter's EPERM shows that it was reached."""
    told = f'tell(given[1] != 1 or given[0] >= 0, "{name}", *given)'
    return f"given = call({', '.join([str(NUMBER[name]), *words])})\n{told}"


KERNEL = [
    Attempt(
        "ptrace",
        "filter",
        f"""
child = os.fork()
if child == 0:
    time.sleep(5); os._exit(0)
given = call({NUMBER["ptrace"]}, 0x4206, child, 0, 0)
os.kill(child, signal.SIGKILL)
tell(given[0] == 0, *given)
""",
        control="no filter",
    ),
    Attempt(
        "memory of another process",
        "filter",
        f"""
secret = ctypes.create_string_buffer(b"CANARY")
child = os.fork()
if child == 0:
    time.sleep(5); os._exit(0)
got = ctypes.create_string_buffer(6)
class Part(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t)]
here, there = Part(ctypes.addressof(got), 6), Part(ctypes.addressof(secret), 6)
given = call({NUMBER["process_vm_readv"]}, child, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
os.kill(child, signal.SIGKILL)
tell(got.raw == b"CANARY", *given)
""",
        control="no filter",
    ),
    Attempt(
        "mount",
        "filter, no capability",
        f"""
place = os.path.join(FACTS["scratch"] if FACTS["is_control"] else ".", "mnt")
os.mkdir(place)
given = call({NUMBER["mount"]}, b"none", place.encode(), b"tmpfs", 0, b"size=4096")
tell(given[0] == 0, *given)
""",
        control="root of a namespace",
    ),
    Attempt("nested namespaces by unshare", "filter", _asks("unshare", "0x10000000"), control="plain"),
    Attempt(
        "nested namespaces by clone",
        "filter",
        f"""
given = call({NUMBER["clone"]}, 0x10000000 | 17, 0, 0, 0, 0)
if given[0] == 0:
    os._exit(0)
tell(given[0] > 0, *given)
""",
        control="plain",
    ),
    Attempt(
        "nested namespaces by clone3",
        "filter",
        f"""
class Words(ctypes.Structure):
    names = "flags pidfd child parent exit stack size tls set number group"
    _fields_ = [(name, ctypes.c_uint64) for name in names.split()]
words = Words(flags=0x10000000, exit=17)
given = call({NUMBER["clone3"]}, ctypes.byref(words), ctypes.sizeof(words))
if given[0] == 0:
    os._exit(0)
tell(given[0] > 0, *given)
""",
        control="plain",
    ),
    Attempt(
        "another namespace by setns",
        "filter",
        f"""
place = os.open("/proc/self/ns/uts", os.O_RDONLY)
given = call({NUMBER["setns"]}, place, 0)
tell(given[0] == 0 or given[1] != 1, *given)
""",
        control="root of a namespace",
    ),
    Attempt("keyctl", "filter", _asks("keyctl", "0", "-3", "1"), control="no filter"),
    Attempt(
        "a key for later in the kernel",
        "filter",
        _asks("add_key", 'b"user"', 'b"codexos-test"', 'b"x"', "1", "-2"),
        control="no filter",
    ),
    Attempt(
        "io_uring",
        "filter",
        f"""
place = ctypes.create_string_buffer(120)
given = call({NUMBER["io_uring_setup"]}, 4, place)
tell(given[0] >= 0 or given[1] != 1, *given)
""",
        control="no filter",
    ),
    Attempt(
        "bpf",
        "filter",
        f"""
words = ctypes.create_string_buffer(struct.pack("IIIII", 2, 4, 4, 1, 0).ljust(120, b"\\0"))
given = call({NUMBER["bpf"]}, 0, words, 120)
tell(given[0] >= 0, *given)
""",
        control="plain",
    ),
    Attempt("userfaultfd", "filter", _asks("userfaultfd", "1"), control="no filter"),
    Attempt(
        "perf_event_open",
        "filter",
        f"""
words = ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 1).ljust(112, b"\\0"))
given = call({NUMBER["perf_event_open"]}, words, 0, -1, -1, 0)
tell(given[0] >= 0 or given[1] not in (1, 13), *given)
""",
        control="plain",
    ),
    Attempt("open_by_handle_at", "filter", _asks("open_by_handle_at", "-1", "0", "0"), control="plain"),
    Attempt("personality", "filter", _asks("personality", "0xffffffff"), control="no filter"),
    Attempt(
        "calls of the x32 kind",
        "filter",
        'given = call(0x40000000 | 39)\ntell(given[1] != 1, "x32", *given)'
        if IS_X86
        else _asks("personality", "0xffffffff"),
        control="no filter",
    ),
    Attempt(
        "calls of 32 bits",
        "filter",
        """
import mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3]))  # mov eax, 20; int 0x80; ret
ask = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
child = os.fork()
if child == 0:
    os._exit(0 if ask() == os.getpid() else 1)
_, status = os.waitpid(child, 0)
tell(status == 0, status)
"""
        if IS_X86
        else _asks("personality", "0xffffffff"),
        control="no filter",
    ),
    Attempt(
        "setuid",
        "namespace of users, no capability",
        """
try:
    os.setgroups([])
    os.setuid(1234 if FACTS["is_control"] and os.getuid() == 0 else 0)
    tell(True, os.getuid())
except OSError as error:
    tell(False, error.strerror)
""",
        control="plain",
    ),
    Attempt(
        "a program that makes root of who starts it",
        "no new privileges, nosuid",
        """
found = [line.split() for line in open("/proc/self/status") if line.startswith(("NoNewPrivs", "CapBnd"))]
tell(["NoNewPrivs:", "1"] not in found or ["CapBnd:", "0" * 16] not in found, found)
""",
        control="plain",
    ),
    Attempt(
        "a device of the machine",
        "nodev, no capability",
        """
place = FACTS["scratch"] if FACTS["is_control"] else "."
try:
    os.mknod(os.path.join(place, "kmsg"), 0o600 | 0o020000, os.makedev(1, 3))
    tell(True)
except OSError as error:
    tell(False, error.strerror)
""",
        control="plain",
        limits=JobLimits(seconds=20),
    ),
]
