# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What hostile code would try, each bounded so that even where it worked nobody is harmed.

Every attempt is Python that says ``RAN`` before it tries, and ``ESCAPED`` only where it got what it must not. ``wall``
is what holds it; ``control`` is how it is run once more with that wall away, where it must say ``ESCAPED``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.adapters.sandbox import JobLimits

MIB = 1024 * 1024
PRELUDE = """
import ctypes, json, os, platform, signal, socket, struct, sys, time
FACTS = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *words):
    ctypes.set_errno(0)
    given = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(w) if isinstance(w, int) else w for w in words])
    return given, ctypes.get_errno()
def say(*words):
    print(*words, flush=True)
def tell(has_escaped, *words):
    say("ESCAPED" if has_escaped else "HELD", *words)
def reads(path):
    try:
        with open(path, "rb") as file:
            return file.read(200_000)
    except OSError as error:
        return b""
say("RAN")
"""


@dataclass(frozen=True)
class Attempt:
    """One thing that hostile code would try."""

    name: str
    wall: str
    code: str
    control: str = "plain"
    limits: JobLimits = field(default_factory=lambda: JobLimits(seconds=20))
    must_end_by: str = ""
    """The limit that has to end it; where it is empty it has to end by itself."""


TAKING_TOO_MUCH = [
    Attempt(
        "fork bomb",
        "process limit",
        """
count = 0
try:
    while count < 130:
        if os.fork() == 0:
            time.sleep(2); os._exit(0)
        count += 1
except OSError:
    pass
tell(count >= 130, count, "children")
os.killpg(0, signal.SIGKILL)
""",
        limits=JobLimits(seconds=20, processes=16),
    ),
    Attempt(
        "threads without end",
        "process limit",
        """
import threading
threading.stack_size(65536)
stop = threading.Event()
count = 0
try:
    while count < 200:
        threading.Thread(target=stop.wait, daemon=True).start()
        count += 1
except RuntimeError:
    pass
tell(count >= 200, count, "threads")
os._exit(0)
""",
        limits=JobLimits(seconds=20, processes=16),
    ),
    Attempt(
        "memory of one process",
        "control group",
        "held = [bytearray(os.urandom(1)) * (8 << 20) for _ in range(24)]\ntell(True, len(held) * 8, 'MiB')",
        limits=JobLimits(seconds=20, memory_bytes=64 * MIB),
        must_end_by="memory",
    ),
    Attempt(
        "memory of many children",
        "control group",
        """
readable, writable = os.pipe()
for _ in range(6):
    if os.fork() == 0:
        held = bytearray(b"x") * (24 << 20)
        os.write(writable, b"1"); time.sleep(3); os._exit(0)
os.close(writable)
got = 0
while got < 6 and os.read(readable, 1):
    got += 1
tell(got == 6, got, "children of 24 MiB each hold them at once")
os.killpg(0, signal.SIGKILL)
""",
        control="no group",
        limits=JobLimits(seconds=20, memory_bytes=64 * MIB),
        must_end_by="memory",
    ),
    Attempt(
        "memory by files",
        "control group",
        """
for place in [FACTS["scratch"]] if FACTS["is_control"] else ["/dev/shm", "/tmp", "."]:
    with open(os.path.join(place, "large"), "wb") as file:
        for _ in range(60):
            file.write(b"x" * (1 << 20))
tell(True, "files of 60 MiB each")
""",
        limits=JobLimits(seconds=20, memory_bytes=64 * MIB),
        must_end_by="memory",
    ),
    Attempt(
        "flood of output",
        "output limit",
        "sys.stdout.write('ESCAPED ' + 'x' * 3_000_000 + ' END\\n')",
        control="plain",
        limits=JobLimits(seconds=20, output_bytes=100_000),
    ),
    Attempt(
        "flood of files",
        "file watch",
        """
place = FACTS["scratch"] if FACTS["is_control"] else "."
for number in range(6000):
    open(os.path.join(place, str(number)), "w").close()
time.sleep(0.7)
tell(True, "6000 files stand")
""",
        limits=JobLimits(seconds=20, files=2000),
        must_end_by="files",
    ),
    Attempt(
        "a file that is too large",
        "file size limit",
        """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
place = FACTS["scratch"] if FACTS["is_control"] else "."
try:
    with open(os.path.join(place, "large"), "wb", 0) as file:
        for _ in range(3):
            file.write(b"x" * (1 << 20))
    tell(True, "3 MiB in one file")
except OSError as error:
    tell(False, error.strerror)
""",
        limits=JobLimits(seconds=20, file_bytes=MIB),
    ),
    Attempt(
        "more than its rooms hold",
        "size of /out",
        """
place = FACTS["scratch"] if FACTS["is_control"] else "/out"
try:
    written = 0
    for number in range(7):
        with open(os.path.join(place, f"part{number}"), "wb", 0) as file:
            written += file.write(b"x" * (10 << 20))
    tell(written == 70 << 20, written, "bytes left behind")
except OSError as error:
    tell(False, error.strerror)
""",
    ),
    Attempt(
        "descriptors without end",
        "descriptor limit",
        """
import resource
count = 0
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4000, FACTS["descriptors"]),) * 2)
except (ValueError, OSError):
    pass
try:
    while count < 2000:
        os.dup(0); count += 1
except OSError:
    pass
tell(count >= 2000, count, "descriptors")
""",
    ),
    Attempt(
        "time without end, deaf to signals",
        "time limit",
        """
for number in range(1, 64):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
end = time.monotonic() + 1
while time.monotonic() < end:
    pass
tell(True, "1 s although 0.4 were given")
""",
        limits=JobLimits(seconds=0.4),
        must_end_by="seconds",
    ),
]

STAYING_BEHIND = [
    Attempt(
        "a daemon",
        "whole tree killed",
        """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(3):
            os.close(number)
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(20)", FACTS["daemon"]])
    os._exit(0)
os.wait()
time.sleep(0.1)
say("DAEMON")
""",
        control="daemon",
    ),
    Attempt(
        "a child that keeps the output open",
        "whole tree killed",
        """
began = time.monotonic()
if os.fork() == 0:
    time.sleep(0.7)
    say("ESCAPED its parent has ended, and it still speaks")
    os._exit(0)
os._exit(0)
""",
    ),
    Attempt(
        "something for the next one in /dev/shm",
        "rooms of its own",
        """
path = os.path.join("/dev/shm", FACTS["shared_file"])
tell(b"CANARY" in reads(path), "what stands in the machine's shared memory")
""",
    ),
    Attempt(
        "shared memory of System V",
        "namespace of messages",
        """
libc.shmat.restype = ctypes.c_void_p
number = libc.shmget(FACTS["segment_key"], 4096, 0)
address = libc.shmat(number, None, 0o10000) if number >= 0 else None
tell(number >= 0 and address and ctypes.string_at(address, 6) == b"CANARY", number)
""",
    ),
]


def facts(**known: object) -> Mapping[str, object]:
    """Return what every attempt is told of the machine."""
    return {"is_control": False, **known}
