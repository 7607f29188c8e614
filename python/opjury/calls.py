# SPDX-License-Identifier: Apache-2.0
"""What adapters of libraries that are driven by calls share."""

import importlib


def resolve(path):
    """The object of a public dotted path: modules as far as they go, then attributes."""
    parts = path.split(".")
    found = importlib.import_module(parts[0])
    for end, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:end]))
        found = getattr(found, part)
    return found
