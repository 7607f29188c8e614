# SPDX-License-Identifier: Apache-2.0
"""What a worker may read and start: where the interpreter, its libraries and compilers lie.

Found in the zygote once all is imported. A folder that holds more than libraries (somebody's home, or
what is above it) is not taken as a whole, whatever sys.path says: of it only what was imported.
"""

import os
import pwd
import shutil
import sys
import tempfile

COMPILERS = ("cc", "c++", "gcc", "g++", "clang", "clang++", "ld", "as")
# Where loader and compilers look besides their own folders.
SEARCHED = ("LD_LIBRARY_PATH", "LIBRARY_PATH", "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH")


def homes():
    """HOME is a scratch folder by now."""
    found = {os.environ.get("OPJURY_HOME", "")}
    for user in (os.getuid(), os.geteuid()):
        try:
            found.add(pwd.getpwuid(user).pw_dir)
        except KeyError:
            pass
    return [os.path.realpath(home) for home in found if home]


def is_below(path, folder):
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def modules():
    """Files and folders of what is imported, packages as a whole."""
    for name, module in list(sys.modules.items()):
        if "." in name:
            continue
        try:
            yield from getattr(module, "__path__", None) or [module.__file__]
        except Exception:  # pylint: disable=broad-except
            pass  # built in, or not a module that was found in a file


def mapped():
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            path = line.rstrip("\n").split(None, 5)[5:]
            if path and path[0].startswith("/") and ".so" in os.path.basename(path[0]):
                yield path[0]


def compilers():
    """/opt/gcc-14 of /opt/gcc-14/bin/g++."""
    for program in (*COMPILERS, os.environ.get("CC"), os.environ.get("CXX")):
        path = shutil.which(program.split()[0]) if program and program.strip() else None
        if path:
            yield os.path.dirname(os.path.dirname(os.path.realpath(path)))


def readable(adapter):
    """Paths, none below another."""
    too_wide = [*homes(), os.path.realpath(tempfile.gettempdir()), "/tmp", "/var/tmp"]

    def is_wide(path):
        return any(is_below(folder, path) for folder in too_wide)

    folders = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, *sys.path,
               os.path.dirname(os.path.dirname(os.path.abspath(__file__))), *compilers(),
               os.path.dirname(os.path.realpath(sys.executable)),
               *(path for name in SEARCHED for path in os.environ.get(name, "").split(":"))}
    found = {os.path.realpath(path) for path in folders if path}
    found = {path for path in found if not is_wide(path)}
    for path in (*modules(), *mapped(), *getattr(adapter, "places", ())):
        path = os.path.realpath(path)
        if os.path.isfile(path) and not is_wide(os.path.dirname(path)):
            found.add(os.path.dirname(path))
        elif not is_wide(path):
            found.add(path)
    return sorted(path for path in found
                  if not any(is_below(path, other) and path != other for other in found))
