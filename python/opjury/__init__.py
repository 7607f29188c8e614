# SPDX-License-Identifier: Apache-2.0
"""What runs inside a library's interpreter: the extension _worker and one small adapter a library."""


class NotExercised(Exception):
    """Raised by an adapter's load or run: what the target's options claim is not what would run."""
