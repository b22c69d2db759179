# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What hostile code would read, and whom it would speak to."""

from tests.sandbox.attempts import Attempt

READING = [
    Attempt(
        "a file of the machine",
        "mounts of its own",
        "tell(b'CANARY' in reads(FACTS['canary']), FACTS['canary'])",
    ),
    Attempt(
        "files of the system",
        "mounts of its own",
        """
found = [path for path in ("/etc/hostname", "/etc/resolv.conf", "/etc/os-release", "/sys/kernel", "/var/lib", "/root")
         if os.path.exists(path)]
tell(bool(found), *found)
""",
    ),
    Attempt(
        "a folder that others may write to",
        "read-only mount",
        """
for place in [FACTS["programs"]] if FACTS["is_control"] else ["/opt/programs", FACTS["programs"]]:
    try:
        open(os.path.join(place, "planted"), "w").close()
        tell(True, place)
        break
    except OSError as error:
        tell(False, place, error.strerror)
""",
    ),
    Attempt(
        "its own interpreter and the root",
        "read-only mount",
        """
done = []
for place in [FACTS["scratch"]] if FACTS["is_control"] else ["/usr/lib", "/opt/codexos/venv/bin", "/dev", "/etc", "/"]:
    try:
        with open(os.path.join(place, "planted-here"), "w"):
            done.append(place)
    except OSError:
        pass
tell(bool(done), *done)
""",
    ),
    Attempt(
        "environment of the service",
        "scrubbed environment",
        """
found = [name for name in os.listdir("/proc") if name.isdecimal() and b"CANARY" in reads(f"/proc/{name}/environ")]
tell("CANARY" in str(dict(os.environ)) or bool(found), found)
""",
    ),
    Attempt(
        "command lines of the service",
        "words by descriptor",
        """
others = [name for name in os.listdir("/proc") if name.isdecimal() and name != str(os.getpid())]
said = b"".join(reads(f"/proc/{name}/cmdline") for name in others)
tell(FACTS["socket_folder"].encode() in said or b"--tmpfs" in said, said[:80])
""",
        control="words shown",
    ),
    Attempt(
        "inherited descriptors",
        "closed descriptors",
        """
found = []
for number in range(3, 256):
    try:
        found.append(os.pread(number, 100, 0))
    except OSError:
        pass
tell(any(b"CANARY" in part for part in found), len(found), "descriptors")
""",
    ),
    Attempt(
        "processes of the machine",
        "namespace of processes",
        """
try:
    os.kill(FACTS["pid"], 0)
    tell(b"pytest" in reads(f"/proc/{FACTS['pid']}/cmdline"), "the test itself")
except OSError as error:
    tell(False, error.strerror)
""",
    ),
    Attempt(
        "the kernel's own words in /proc",
        "covered files",
        """
found = [path for path in ("/proc/cmdline", "/proc/keys", "/proc/key-users") if reads(path)]
tell(bool(found), *found)
""",
    ),
    Attempt(
        "switches in /proc/sys",
        "no capability, read-only mount",
        """
try:
    value = reads("/proc/sys/kernel/domainname")
    with open("/proc/sys/kernel/domainname", "wb") as file:
        file.write(value)
    tell(True, value)
except OSError as error:
    tell(False, error.strerror)
""",
        control="root of a namespace",
    ),
]

SPEAKING = [
    Attempt(
        "a server on the machine's loopback",
        "namespace of the network",
        """
try:
    with socket.create_connection(("127.0.0.1", FACTS["port"]), 2) as way:
        tell(way.recv(10) == b"CANARY")
except OSError as error:
    tell(False, error.strerror)
""",
    ),
    Attempt(
        "the network outside",
        "namespace of the network",
        """
names = [name for _, name in socket.if_nameindex()] if FACTS["is_control"] else [
    line.split(":")[0].strip() for line in open("/proc/net/dev").read().splitlines()[2:]]
tell(any(name != "lo" for name in names), *names)
""",
    ),
    Attempt(
        "the door of the proxy that it was not given",
        "closed door",
        """
try:
    socket.create_connection(("127.0.0.1", 3128), 2).close()
    tell(True)
except OSError as error:
    tell(False, error.strerror)
""",
        control="with a proxy",
    ),
    Attempt(
        "a Unix socket by its path",
        "mounts of its own",
        """
way = socket.socket(socket.AF_UNIX)
try:
    way.connect(FACTS["unix_path"])
    tell(way.recv(10) == b"CANARY")
except OSError as error:
    tell(False, error.strerror)
""",
    ),
    Attempt(
        "an abstract Unix socket",
        "namespace of the network",
        """
way = socket.socket(socket.AF_UNIX)
try:
    way.connect("\\0" + FACTS["abstract"])
    tell(way.recv(10) == b"CANARY")
except OSError as error:
    tell(False, error.strerror)
""",
    ),
    Attempt(
        "sockets that know no namespace",
        "filter",
        """
made = []
# Routes of the kernel (netlink), the machine around this one (vsock), the kernel's ciphers, raw packets.
for family, kind in ((16, 3), (40, 1), (38, 5), (17, 3)):
    try:
        socket.socket(family, kind).close()
        made.append(family)
    except OSError:
        pass
tell(bool(made), *made)
""",
        control="no filter",
    ),
]
