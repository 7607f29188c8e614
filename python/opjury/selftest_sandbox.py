# SPDX-License-Identifier: Apache-2.0
"""What a worker must not be able to do, tried for real, and what it needs to; for tests.

$OPJURY_SELFTEST is a folder outside, with a file "key"; $OPJURY_SELFTEST_ENGINE the engine's process.
Each try is a line in the log: its name, and "refused", "done" or what else happened. None of them does
harm where it succeeds.
"""

import asyncio
import ctypes
import errno
import fcntl
import mmap
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
CLONE_NEWUSER = 0x10000000
KEYCTL_GET_KEYRING_ID, IO_URING_SETUP = 0, 425
SYSCALLS = {"x86_64": {"keyctl": 250, "bpf": 321}, "aarch64": {"keyctl": 219, "bpf": 280}}
NUMBERS = SYSCALLS.get(os.uname().machine, {})


def outside(name=""):
    return os.path.join(os.environ["OPJURY_SELFTEST"], name)


def engine():
    return int(os.environ["OPJURY_SELFTEST_ENGINE"])


def check(result):
    """Of a function of libc."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def syscall(name, *args):
    check(LIBC.syscall(NUMBERS[name], *args))


def read(path):
    with open(path, "rb") as file:
        return file.read(16)


def write(path, mode="w"):
    with open(path, mode, encoding="utf-8") as file:
        file.write("x")


def by_link(make):
    """The key under a name in the scratch folder."""
    name = tempfile.mktemp()
    make(outside("key"), name)
    read(name)


def in_thread(function):
    errors = []

    def call():
        try:
            function()
        except OSError as e:
            errors.append(e)
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def shell(command):
    if subprocess.run(["/bin/sh", "-c", command], stderr=subprocess.DEVNULL, check=False).returncode:
        raise PermissionError(errno.EACCES, "a shell could not")


def read_memory(pid):
    """Of another process, where this one has its own text."""
    text = ctypes.create_string_buffer(8)
    local = (ctypes.c_void_p * 2)(ctypes.addressof(text), 8)
    remote = (ctypes.c_void_p * 2)(id(None), 8)
    check(LIBC.process_vm_readv(pid, local, 1, remote, 1, 0))


def seize(pid):
    """And let go again: what is traced stops at each signal."""
    check(LIBC.ptrace(PTRACE_SEIZE, pid, None, None))
    check(LIBC.ptrace(PTRACE_INTERRUPT, pid, None, None))
    os.waitpid(pid, WALL)
    check(LIBC.ptrace(PTRACE_DETACH, pid, None, None))


def own(pid):
    """SIGIO, when something comes, goes there."""
    ends = socket.socketpair()
    fcntl.fcntl(ends[0], fcntl.F_SETOWN, pid)


def limit(pid):
    resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def neighbour():
    """Folders of workers lie beside each other."""
    here = os.environ["TMPDIR"]
    other = here[:-1] + ("1" if here.endswith("0") else "0")
    write(os.path.join(other if os.path.isdir(other) else os.path.dirname(here), "new"))


ATTEMPTS = {
    "read a file": lambda: read(outside("key")),
    "read a file in a thread": lambda: in_thread(lambda: read(outside("key"))),
    "read a folder": lambda: os.listdir(outside()),
    "read by a symbolic link": lambda: by_link(os.symlink),
    "read by a hard link": lambda: by_link(os.link),
    "read in a shell": lambda: shell(f"cat '{outside('key')}'"),
    "read the environment of the zygote": lambda: read(f"/proc/{os.getppid()}/environ"),
    "read the arguments of the engine": lambda: read(f"/proc/{engine()}/cmdline"),
    "write a file": lambda: write(outside("new")),
    "write in a shell": lambda: shell(f"echo x >'{outside('new')}'"),
    "append to a file": lambda: write(outside("key"), "a"),
    "truncate a file": lambda: os.truncate(outside("key"), 0),
    "truncate a file by opening it": lambda: os.close(os.open(outside("key"), os.O_RDONLY | os.O_TRUNC)),
    "remove a file": lambda: os.unlink(outside("key")),
    "move a file": lambda: os.rename(outside("key"), outside("moved")),
    "make a folder": lambda: os.mkdir(outside("folder")),
    "change a mode": lambda: os.chmod(outside("key"), 0o600),
    "change times": lambda: os.utime(outside("key")),
    "write into the folder of another worker": neighbour,
    "write into a library": lambda: write(os.path.join(os.path.dirname(os.__file__), "opjury-new.py")),
    "socket, IPv4": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "socket, IPv6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
    "socket, local": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "socket, kernel": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "socket, pair of datagrams": lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM),
    "trace the zygote": lambda: seize(os.getppid()),
    "read the memory of the zygote": lambda: read_memory(os.getppid()),
    "signal the zygote": lambda: os.kill(os.getppid(), signal.SIGURG),
    "signal the engine": lambda: os.kill(engine(), signal.SIGURG),
    "limit the zygote": lambda: limit(os.getppid()),
    "own a file for the zygote": lambda: own(os.getppid()),
    "namespace": lambda: check(LIBC.unshare(CLONE_NEWUSER)),
    "chroot": lambda: os.chroot("."),
    "keyring": lambda: syscall("keyctl", KEYCTL_GET_KEYRING_ID, -4, 0),
    "bpf": lambda: syscall("bpf", 0, None, 0),
    "shared memory": lambda: check(LIBC.shmget(0, 4096, 0o1600)),
}


# ---- what must go on working ----

def use_scratch():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        write(path)
        os.rename(path, path + "2")
        os.symlink(path + "2", path)
        os.link(path + "2", path + "3")
        os.truncate(path, 0)
        os.makedirs(os.path.join(folder, "a/b"))
        os.rename(path + "2", os.path.join(folder, "a/b/file"))
        assert read(path + "3") == b"" and len(os.listdir(folder)) == 3
    write(os.path.expanduser("~/.cache-of-a-library"))
    write("in-the-working-directory")
    assert os.path.samefile(os.path.expanduser("~"), tempfile.gettempdir())
    assert os.path.samefile(os.getcwd(), tempfile.gettempdir())


def compile_and_load():
    """As inductor does."""
    compiler = shutil.which("g++")
    if compiler is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        source, library = os.path.join(folder, "f.cpp"), os.path.join(folder, "f.so")
        with open(source, "w", encoding="utf-8") as file:
            file.write('#include <vector>\nextern "C" int f() { return (int)std::vector<int>(7).size(); }\n')
        subprocess.run([compiler, "-O1", "-fPIC", "-shared", "-o", library, source], check=True)
        assert ctypes.CDLL(library).f() == 7


def read_facts():
    for path in ("/proc/self/status", "/proc/self/maps", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
                 "/sys/devices/system/cpu/online", "/dev/urandom", "/dev/zero", "/etc/passwd"):
        if os.path.exists("/sys/devices") or not path.startswith("/sys/"):  # a container may have none
            assert path == "/etc/passwd" or read(path), path
    write("/dev/null")
    assert os.cpu_count() > 0 and len(os.sched_getaffinity(0)) > 0 and os.listdir("/proc/self/task")


def use_files_in_memory():
    fd = os.memfd_create("x")
    os.truncate(fd, 4096)
    with mmap.mmap(fd, 4096) as memory:
        memory[0] = 1
    write(f"/proc/self/fd/{fd}")
    assert os.pread(fd, 2, 0) == b"x"
    os.eventfd(0)


def use_pairs():
    ends = socket.socketpair()
    ends[0].send(b"x")
    assert ends[1].recv(1) == b"x"
    asyncio.run(asyncio.sleep(0))


def use_processes():
    done = subprocess.run([sys.executable, "-c", "print(1 + 1)"], capture_output=True, check=True)
    assert done.stdout == b"2\n"
    os.kill(os.getpid(), signal.SIGURG)
    signal.raise_signal(signal.SIGURG)
    resource.setrlimit(resource.RLIMIT_STACK, resource.getrlimit(resource.RLIMIT_STACK))


def import_more():
    for name in ("colorsys", "wave", "mailbox", "sqlite3"):
        __import__(name)


NEEDS = {
    "scratch folder": use_scratch,
    "compiler": compile_and_load,
    "facts about the machine": read_facts,
    "files in memory": use_files_in_memory,
    "socket pairs": use_pairs,
    "processes": use_processes,
    "threads": lambda: in_thread(use_pairs),
    "libraries": import_more,
}


def each(tries):
    for name, function in tries.items():
        try:
            function()
            result = "done"
        except Exception as e:  # pylint: disable=broad-except
            is_refused = getattr(e, "errno", 0) in (errno.EPERM, errno.EACCES, errno.EXDEV)
            result = "refused" if is_refused else f"{type(e).__name__}: {e}"
        print(f"{name}: {result}")


def environment():
    """All of it, as this process and as whoever may read its /proc sees it; and what it was left open."""
    with open("/proc/self/environ", "rb") as file:
        text = file.read().decode(errors="replace").replace("\0", "\n")
    print(text + "".join(f"{name}={value}\n" for name, value in os.environ.items()))
    for fd in os.listdir("/proc/self/fd"):
        if os.path.lexists(f"/proc/self/fd/{fd}"):  # that of the list itself is gone
            print("open:", os.readlink(f"/proc/self/fd/{fd}"))


ACTIONS = {
    "attempts": lambda inputs: each(ATTEMPTS),
    "needs": lambda inputs: each(NEEDS),
    "environment": lambda inputs: environment(),
    "write-outside": lambda inputs: write(outside("new")),
}
