# SPDX-License-Identifier: LGPL-2.1-or-later
"""Places in the world, and outlines at them."""

import math


class Place:
    """A point in the world, and a heading."""

    def __init__(self, x, y, z, heading):
        self.origin, self.heading = (x, y, z), heading
        self.ahead = (math.sin(heading), math.cos(heading))

    def at(self, right, up, ahead):
        x, y, z = self.origin
        fx, fz = self.ahead
        return (x + right * fz + ahead * fx, y + up, z - right * fx + ahead * fz)

    def direction(self, right, up, ahead):
        return tuple(a - b for a, b in zip(self.at(right, up, ahead), self.origin))


def wall(near, far, bottom, top, low=0.0, high=1.0):
    """Part of the wall between two places; low and high are shares of its length."""
    def along(t, up):
        return tuple(a + t * (b - a) for a, b in zip(near.at(0, up, 0), far.at(0, up, 0)))
    return [along(low, bottom), along(high, bottom), along(high, top), along(low, top)]


def circle(place, radius, corners=16, start=0.0):
    """A circle in the plane of up and ahead."""
    angles = (start + 2 * math.pi * i / corners for i in range(corners))
    return [place.at(0, radius * math.sin(a), radius * math.cos(a)) for a in angles]


def inset(corners, share):
    middle = [sum(axis) / len(corners) for axis in zip(*corners)]
    return [tuple(c + share * 2 * (m - c) for c, m in zip(corner, middle))
            for corner in corners]


def patch(corners, left, right, bottom, top, flip=False):
    """Part of a quad; its first edge is the bottom unless flipped."""
    a, b, c, d = corners if not flip else (corners[3], corners[2], corners[1], corners[0])
    def inside(u, v):
        return tuple((p + u * (q - p)) * (1 - v) + (s + u * (r - s)) * v
                     for p, q, r, s in zip(a, b, c, d))
    return [inside(left, bottom), inside(right, bottom), inside(right, top),
            inside(left, top)]
