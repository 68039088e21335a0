# SPDX-License-Identifier: LGPL-2.1-or-later
"""Intersection over union, from confusion matrices."""

import numpy as np

UNKNOWN = 255


class Confusion:
    """Counts of pixels by (truth, prediction). Pixels without a true class are not
    counted."""

    def __init__(self, classes):
        self.counts = np.zeros((classes, classes), np.int64)
        self.missed = np.zeros(classes, np.int64)

    def add(self, truth, prediction):
        """Returns the counts of this one frame."""
        classes = len(self.counts)
        seen = truth < classes
        # A prediction of 255, unknown, is a miss of the true class.
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


class GroupConfusion(Confusion):
    """Counts by label: a predicted class counts as the label that owns it. In
    `possible`, which is more lenient, it counts as right wherever the true label
    allows it."""

    def __init__(self, labels, classes):
        super().__init__(len(labels.names))
        self.home = np.array(labels.home(classes) + [UNKNOWN], np.uint8)
        self.may_be = np.zeros((len(labels.names) + 1, classes + 1), bool)
        for label, members in enumerate(labels.members):
            self.may_be[label, list(members)] = True
        self.possible = Confusion(len(labels.names))

    def labels_of(self, prediction):
        """A prediction of classes as label values."""
        return self.home[np.minimum(prediction, len(self.home) - 1)]

    def add(self, truth, prediction):
        found = self.labels_of(prediction)
        rows, columns = self.may_be.shape
        right = self.may_be[np.minimum(truth, rows - 1),
                            np.minimum(prediction, columns - 1)]
        self.possible.add(truth, np.where(right, truth, found))
        return super().add(truth, found)
