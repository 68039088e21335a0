# SPDX-License-Identifier: LGPL-2.1-or-later
"""Intersection over union, from a confusion matrix."""

import numpy as np


class Confusion:
    """Counts of pixels by (truth, prediction); other ids are not counted."""

    def __init__(self, classes):
        self.counts = np.zeros((classes, classes), np.int64)
        self.missed = np.zeros(classes, np.int64)

    def add(self, truth, prediction):
        """Returns the counts of this one frame."""
        classes = len(self.counts)
        seen = truth < classes
        # A prediction of 255, unknown, counts as a miss of the true class.
        guess = np.minimum(prediction[seen], classes).astype(np.int64)
        index = truth[seen].astype(np.int64) * (classes + 1) + guess
        frame = np.bincount(index, minlength=classes * (classes + 1))
        frame = frame.reshape(classes, classes + 1)
        self.counts += frame[:, :classes]
        self.missed += frame[:, classes]
        return frame

    def truth(self):
        """Pixels of every class, found or not."""
        return self.counts.sum(1) + self.missed

    def iou(self):
        """Per class; NaN where a class occurs in neither truth nor prediction."""
        hit = self.counts.diagonal()
        union = self.counts.sum(0) + self.truth() - hit
        return np.where(union > 0, hit / np.maximum(union, 1), np.nan)

    def miou(self):
        return float(np.nanmean(self.iou()))
