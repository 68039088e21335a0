# SPDX-License-Identifier: LGPL-2.1-or-later
class Failure(Exception):
    """A sentence for the user."""
