# SPDX-License-Identifier: LGPL-2.1-or-later
"""A camera, and a canvas that paints colours and classes at the same time."""

import math

import numpy as np
from PIL import Image, ImageDraw

SKY, BUILDING, POLE, ROAD, SIDEWALK, TREE, SIGN, FENCE, CAR, PEDESTRIAN, \
    BICYCLIST = range(11)

NEAR = 0.4  # metres; nothing nearer is drawn
OVERSAMPLING = 2  # colours are averaged when scaled down, classes picked


class Camera:
    """Pinhole camera; x to the right, y up, z ahead, all in metres."""

    def __init__(self, size, x, y, z, heading, pitch=0.0, focal=0.85):
        self.width, self.height = (n * OVERSAMPLING for n in size)
        self.position = (x, y, z)
        self.cos, self.sin = math.cos(heading), math.sin(heading)
        self.focal = focal * self.width
        self.centre = (self.width / 2, self.height * (0.47 + pitch))

    def view(self, point):
        """World to camera."""
        x, y, z = (a - b for a, b in zip(point, self.position))
        return (x * self.cos - z * self.sin, y, x * self.sin + z * self.cos)

    def project(self, seen):
        scale = self.focal / seen[2]
        return (self.centre[0] + seen[0] * scale, self.centre[1] - seen[1] * scale)


def clip_near(points):
    """The part of a polygon in camera coordinates that is farther than NEAR."""
    clipped = []
    for a, b in zip(points, points[1:] + points[:1]):
        if a[2] >= NEAR:
            clipped.append(a)
        if (a[2] >= NEAR) != (b[2] >= NEAR):
            t = (NEAR - a[2]) / (b[2] - a[2])
            clipped.append(tuple(p + t * (q - p) for p, q in zip(a, b)))
    return clipped


class Canvas:
    """Painter's algorithm: later pieces cover earlier ones."""

    def __init__(self, camera, light):
        self.camera, self.light = camera, light
        size = (camera.width, camera.height)
        self.picture = Image.new("RGB", size)
        self.classes = Image.new("L", size, SKY)
        self._paint = ImageDraw.Draw(self.picture)
        self._mark = ImageDraw.Draw(self.classes)

    def _shade(self, colour, distance, brightness=1.0):
        """The colour in this light, with haze according to the distance."""
        haze = 1 - math.exp(-distance / self.light.visibility)
        return tuple(int(max(0, min(255, c * brightness * t * (1 - haze) + h * haze)))
                     for c, t, h in zip(colour, self.light.tint, self.light.haze))

    def flat(self, points, fill, label):
        """Draws a polygon in pixels of the picture."""
        if len(points) < 3 or self._outside(points):
            return
        self._paint.polygon(points, fill)
        self._mark.polygon(points, label)

    def _outside(self, points):
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        return (max(xs) < 0 or max(ys) < 0 or min(xs) > self.camera.width
                or min(ys) > self.camera.height)

    def polygon(self, points, colour, label, brightness=1.0):
        """Draws a polygon in world coordinates."""
        seen = [self.camera.view(p) for p in points]
        distance = min(p[2] for p in seen)
        if distance < NEAR:
            seen = clip_near(seen)
        if len(seen) > 2:
            self.flat([self.camera.project(p) for p in seen],
                      self._shade(colour, max(distance, 0), brightness), label)

    def faces_camera(self, point, normal):
        """Whether the camera sees the outside of a face through `point` with this
        normal."""
        return sum(n * (c - p) for n, c, p
                   in zip(normal, self.camera.position, point)) > 0

    def limb(self, start, end, thickness, colour, label, brightness=1.0):
        """Draws a line with round ends; its thickness is in metres."""
        a, b = self.camera.view(start), self.camera.view(end)
        if min(a[2], b[2]) < NEAR:
            return
        width = thickness * self.camera.focal / ((a[2] + b[2]) / 2)
        fill = self._shade(colour, a[2], brightness)
        line = [self.camera.project(a), self.camera.project(b)]
        self._paint.line(line, fill, max(1, round(width)))
        self._mark.line(line, label, max(1, round(width)))
        if width > 3:
            for x, y in line:
                self._disc(x, y, width / 2 - 0.5, fill, label)

    def ball(self, centre, radius, colour, label, brightness=1.0):
        seen = self.camera.view(centre)
        if seen[2] < NEAR:
            return
        x, y = self.camera.project(seen)
        self._disc(x, y, radius * self.camera.focal / seen[2],
                   self._shade(colour, seen[2], brightness), label)

    def _disc(self, x, y, radius, fill, label):
        box = (x - radius, y - radius, x + radius, y + radius)
        self._paint.ellipse(box, fill)
        self._mark.ellipse(box, label)

    def sky(self):
        """Draws a gradient from the zenith down to the haze."""
        width, horizon = self.camera.width, int(self.camera.centre[1]) + 2
        t = np.linspace(0, 1, self.camera.height)[:, None, None]
        t = np.minimum(t * self.camera.height / horizon, 1) ** 1.5
        rows = np.array(self.light.zenith) * (1 - t) + np.array(self.light.haze) * t
        self.picture.paste(Image.fromarray(
            np.broadcast_to(rows, (self.camera.height, width, 3)).astype(np.uint8)))

    def cloud(self, bearing, elevation, size, colour):
        """Draws a puff of cloud, infinitely far away."""
        ahead = math.sin(bearing) * self.camera.sin + math.cos(bearing) * self.camera.cos
        aside = math.sin(bearing) * self.camera.cos - math.cos(bearing) * self.camera.sin
        if ahead < 0.3:
            return
        x = self.camera.centre[0] + aside / ahead * self.camera.focal
        y = self.camera.centre[1] - elevation * self.camera.focal
        half = size * self.camera.focal
        box = (x - half, y - half * 0.45, x + half, y + half * 0.45)
        self._paint.ellipse(box, colour)

    def finish(self):
        """(picture, classes) at the requested size."""
        size = tuple(n // OVERSAMPLING for n in self.picture.size)
        classes = np.asarray(self.classes)[1::OVERSAMPLING, 1::OVERSAMPLING]
        return (self.picture.resize(size, Image.Resampling.BOX),
                Image.fromarray(np.ascontiguousarray(classes)))
