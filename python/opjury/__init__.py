# SPDX-License-Identifier: Apache-2.0
"""What runs inside a library's interpreter: the extension _worker and one small adapter a library."""


class NotExercised(Exception):
    """Raised by an adapter's load or run: what the target's options claim is not what would run."""


class NoDevice(Exception):
    """Raised by an adapter's load (or configure) where a target names a device that is not there; says in a few words
    what is missing. The target is passed over, others go on."""
