# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The seccomp filter: which doors of the kernel stay shut. Written as classic BPF, so that no library is needed."""

import errno
import platform
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

X86_64, AARCH64 = 0xC000003E, 0xC00000B7
X32_BIT = 0x40000000
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
FAIL = 0x00050000
NUMBER, ARCH, FIRST_LOW, SECOND_LOW = 0, 4, 16, 24
LOAD, EQUAL, ABOVE, SET, GIVE = 0x20, 0x15, 0x25, 0x45, 0x06
NEWEST = 450
"""What the kernel learned after this is not there: programs fall back as they do on an older kernel."""
NEW_NAMESPACES = 0x7E020080
"""Every CLONE_NEW flag: mount, cgroup, uts, ipc, user, pid, network, time."""
FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET, AF_INET6: in their namespace there is nobody to talk to. Others (vsock) know no namespace."""
TIOCSTI, TIOCLINUX = 0x5412, 0x541C


@dataclass(frozen=True, slots=True)
class Machine:
    """One kind of processor: its mark, and the numbers its kernel gives to what is shut."""

    mark: int
    shut: Mapping[str, int]
    clone: int
    clone3: int
    socket: int
    socketpair: int
    ioctl: int


# What is the same everywhere since numbers are shared.
_SHARED = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "memfd_secret": 447,
    "process_mrelease": 448,
}
_SHUT_X86_64 = {
    "ptrace": 101,
    "syslog": 103,
    "modify_ldt": 154,
    "uselib": 134,
    "personality": 135,
    "ustat": 136,
    "sysfs": 139,
    "vhangup": 153,
    "pivot_root": 155,
    "_sysctl": 156,
    "adjtimex": 159,
    "chroot": 161,
    "acct": 163,
    "settimeofday": 164,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "sethostname": 170,
    "setdomainname": 171,
    "iopl": 172,
    "ioperm": 173,
    "create_module": 174,
    "init_module": 175,
    "delete_module": 176,
    "get_kernel_syms": 177,
    "query_module": 178,
    "quotactl": 179,
    "nfsservctl": 180,
    "lookup_dcookie": 212,
    "clock_settime": 227,
    "mbind": 237,
    "set_mempolicy": 238,
    "get_mempolicy": 239,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "migrate_pages": 256,
    "unshare": 272,
    "move_pages": 279,
    "perf_event_open": 298,
    "fanotify_init": 300,
    "name_to_handle_at": 303,
    "open_by_handle_at": 304,
    "clock_adjtime": 305,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "kexec_file_load": 320,
    "bpf": 321,
    "userfaultfd": 323,
}
_SHUT_AARCH64 = {
    "lookup_dcookie": 18,
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "nfsservctl": 42,
    "chroot": 51,
    "vhangup": 58,
    "quotactl": 60,
    "acct": 89,
    "personality": 92,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "clock_settime": 112,
    "syslog": 116,
    "ptrace": 117,
    "reboot": 142,
    "sethostname": 161,
    "setdomainname": 162,
    "settimeofday": 170,
    "adjtimex": 171,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "swapon": 224,
    "swapoff": 225,
    "mbind": 235,
    "get_mempolicy": 236,
    "set_mempolicy": 237,
    "migrate_pages": 238,
    "move_pages": 239,
    "perf_event_open": 241,
    "fanotify_init": 262,
    "name_to_handle_at": 264,
    "open_by_handle_at": 265,
    "clock_adjtime": 266,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "bpf": 280,
    "userfaultfd": 282,
    "kexec_file_load": 294,
}
MACHINES = {
    "x86_64": Machine(X86_64, _SHUT_X86_64 | _SHARED, clone=56, clone3=435, socket=41, socketpair=53, ioctl=16),
    "aarch64": Machine(AARCH64, _SHUT_AARCH64 | _SHARED, clone=220, clone3=435, socket=198, socketpair=199, ioctl=29),
}


def this_machine() -> Machine | None:
    """Return what is known of this processor; None where nothing is, so that nothing may run."""
    return MACHINES.get(platform.machine())


def program(machine: Machine) -> bytes:
    """Return the filter as the kernel takes it."""
    shut = sorted(set(machine.shut.values()))
    return b"".join(
        [
            _load(ARCH) + _unless(EQUAL, machine.mark, then=KILL_PROCESS),
            _load(NUMBER),
            _where(SET, X32_BIT, then=_fail(errno.EPERM)) if machine.mark == X86_64 else b"",
            _where(ABOVE, NEWEST, then=_fail(errno.ENOSYS)),
            # The flags of clone3 lie behind a pointer, which no filter follows: without it programs take clone.
            _where(EQUAL, machine.clone3, then=_fail(errno.ENOSYS)),
            b"".join(_where(EQUAL, number, then=_fail(errno.EPERM)) for number in shut),
            _about(machine.clone, _load(FIRST_LOW) + _where(SET, NEW_NAMESPACES, then=_fail(errno.EPERM))),
            _about(machine.socket, _load(FIRST_LOW) + _only(FAMILIES, errno.EAFNOSUPPORT)),
            _about(machine.socketpair, _load(FIRST_LOW) + _only(FAMILIES[:1], errno.EAFNOSUPPORT)),
            _about(machine.ioctl, _load(SECOND_LOW) + _none_of((TIOCSTI, TIOCLINUX), errno.EPERM)),
            _step(GIVE, ALLOW),
        ]
    )


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _load(offset: int) -> bytes:
    return _step(LOAD, offset)


def _fail(number: int) -> int:
    return FAIL | number


def _where(test: int, value: int, *, then: int) -> bytes:
    return _step(test, value, no=1) + _step(GIVE, then)


def _unless(test: int, value: int, *, then: int) -> bytes:
    return _step(test, value, yes=1) + _step(GIVE, then)


def _about(number: int, block: bytes) -> bytes:
    """Do a block for one call of the kernel, which ends there."""
    whole = block + _step(GIVE, ALLOW)
    return _step(EQUAL, number, no=len(whole) // 8) + whole


def _only(values: Sequence[int], number: int) -> bytes:
    tests = b"".join(_where(EQUAL, value, then=ALLOW) for value in values)
    return tests + _step(GIVE, _fail(number))


def _none_of(values: Sequence[int], number: int) -> bytes:
    return b"".join(_where(EQUAL, value, then=_fail(number)) for value in values)
