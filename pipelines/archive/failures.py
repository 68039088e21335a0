# SPDX-License-Identifier: LGPL-2.1-or-later
class Failure(Exception):
    """A sentence for the user."""


class BadSeam(Exception):
    """A piece would differ from the same frames of the whole recording, so that
    the recording has to be segmented as a whole."""
