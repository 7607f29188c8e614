# SPDX-License-Identifier: Apache-2.0
"""What runs inside a library's interpreter: the extension _worker and one small adapter a library."""
