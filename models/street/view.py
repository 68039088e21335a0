# SPDX-License-Identifier: LGPL-2.1-or-later
"""Renders one frame of a street, painted from far to near."""

import math

import numpy as np

from street.canvas import ROAD, SIDEWALK, TREE, Camera, Canvas
from street.roadside import Fence, Hedge, Lamp, Sign
from street.traffic import Car, Pedestrian
from street.world import BAY, KERB, LANE, ROAD_HALF, VIEW

EYE = 1.62  # metres above the road
# Farther away, thin things would be a pixel or two.
THIN_VIEW = 80.0
LOOK_AHEAD = 9.0  # the camera looks at the road this far ahead
WHITE = (222, 222, 216)
GRASS = (96, 124, 70)
# (aside, up) of the puffs of a cloud
CLOUD = ((-0.85, 0), (-0.45, 0.1), (-0.1, 0.22), (0.3, 0.12), (0.75, 0), (0.1, 0))


def render(street, size, along, time):
    """(picture, classes) from `along` metres down the street at `time`."""
    return _View(street, size, along, time).paint()


class _View:
    def __init__(self, street, size, along, time):
        self.street, self.along, self.time = street, along, time
        self.canvas = Canvas(self._camera(size), street.light)

    def _camera(self, size):
        lane = LANE * self.street.drive
        spot = self.street.place(self.along, lane)
        ahead = self.street.place(self.along + LOOK_AHEAD, lane)
        x, y, z = spot.origin
        dx, dy, dz = (b - a for a, b in zip(spot.origin, ahead.origin))
        time = self.time
        bounce = 0.012 * math.sin(time * 9) + 0.02 * math.sin(time * 2.3)
        pitch = (dy / LOOK_AHEAD * 0.85 * size[0] / size[1]
                 + 0.002 * math.sin(time * 5))
        return Camera(size, x, y + EYE + bounce, z, math.atan2(dx, dz), pitch)

    def paint(self):
        self.canvas.sky()
        self._clouds()
        self._skyline()
        self._ground()
        self._marks()
        pieces = [*self._bays(), *self._roadside(), *self._traffic()]
        for _, draw in sorted(pieces, key=lambda piece: -piece[0]):
            draw()
        return self.canvas.finish()

    def _clouds(self):
        for bearing, elevation, extent in self.street.clouds:
            for shift, rise in CLOUD:
                self.canvas.cloud(bearing + shift * extent, elevation + rise * extent,
                                  extent * (0.62 - 0.4 * abs(shift)),
                                  self.street.light.cloud)

    def _skyline(self):
        """Trees where the street ends."""
        for i in range(-14, 15):
            far = self.street.place(self.along + VIEW, i * 9.0)
            self.canvas.ball(far.at(0, 3 + 2.5 * math.sin(i * 2.4), 0), 9,
                             (84, 112, 70), TREE)

    def _ground(self):
        # Short pieces near the camera, where bends and hills are visible.
        edges = self.along + np.concatenate([
            np.arange(VIEW, 60, -8), np.arange(60, 24, -4), np.arange(24, -4, -1.5)])
        walk = ROAD_HALF + self.street.walk
        grey = self.street.grey
        for far, near in zip(edges, edges[1:]):
            slab = 1 if int(far // 1.5) % 2 else 0.985
            for side in (-1, 1):
                self._strip(near, far, side * walk, side * 60, 0.1, GRASS, TREE)
                self._strip(near, far, side * ROAD_HALF, side * walk, KERB,
                            self.street.paving, SIDEWALK, slab)
            self._strip(near, far, -ROAD_HALF, ROAD_HALF, 0, (grey, grey, grey + 4), ROAD)
            for side in (-1, 1):
                self._kerb(near, far, side)

    def _strip(self, near, far, left, right, up, colour, label, brightness=1.0):
        corners = ((near, left), (near, right), (far, right), (far, left))
        self.canvas.polygon([self.street.place(s, aside, up).origin
                             for s, aside in corners], colour, label, brightness)

    def _kerb(self, near, far, side):
        edge = side * ROAD_HALF
        corners = ((near, 0), (far, 0), (far, KERB), (near, KERB))
        self.canvas.polygon([self.street.place(s, edge, up).origin for s, up in corners],
                            self.street.paving, SIDEWALK, 0.8)
        self._strip(near, far, edge, edge + side * 0.22, KERB, self.street.paving,
                    SIDEWALK, 1.12)

    def _marks(self):
        along, end = self.along, self.along + VIEW * 0.8
        for start, aside, wide, long in self.street.patches:
            if along - 6 < start < along + 70:
                self._strip(start, start + long, aside, aside + wide, 0.004,
                            (self.street.grey - 9,) * 3, ROAD)
        for start in np.arange(along - along % 6 - 6, end, 6)[::-1]:
            self._strip(start, start + 3, -0.07, 0.07, 0.01, WHITE, ROAD)
        for start in self.street.crossings:
            if along - 8 < start < end:
                for aside in np.arange(-ROAD_HALF + 0.3, ROAD_HALF - 0.4, 1.0):
                    self._strip(start, start + 3.2, aside, aside + 0.5, 0.012, WHITE, ROAD)

    # Pieces: (distance of the far end along the street, function that draws it)

    def _bays(self):
        place = self.street.place
        for start, aside, bay in self.street.bays:
            if -BAY < start - self.along < VIEW:
                yield start + BAY, lambda b=bay, s=start, a=aside: b.draw(
                    self.canvas, place(s, a), place(s + BAY, a))

    def _roadside(self):
        for start, aside, thing in self.street.static:
            end = THIN_VIEW if isinstance(thing, (Lamp, Sign)) else VIEW
            if -5 < start - self.along < end:
                # A lamp's arm points left, so on the left side the lamp is turned.
                turn = math.pi if isinstance(thing, Lamp) and aside < 0 else 0.0
                long = BAY if isinstance(thing, (Fence, Hedge)) else 0
                place = self.street.place(start, aside, KERB, turn)
                yield start + long, lambda t=thing, p=place: t.draw(self.canvas, p)

    def _traffic(self):
        for mover in self.street.movers:
            start = mover.start + mover.speed * self.time
            aside = mover.aside + mover.across * self.time
            end = VIEW * 0.8 if isinstance(mover.thing, Car) else THIN_VIEW
            if (-6 < start - self.along < end
                    and abs(aside) <= ROAD_HALF + self.street.walk):
                yield start, self._mover(mover, start, aside)

    def _mover(self, mover, start, aside):
        turn = math.pi if mover.speed < 0 else 0.0
        if mover.across:
            turn = math.copysign(math.pi / 2, mover.across)
        elif mover.speed == 0 and mover.aside * self.street.drive < 0:
            turn = math.pi  # parked on the other side
        walks = isinstance(mover.thing, Pedestrian) and abs(aside) > ROAD_HALF
        place = self.street.place(start, aside, KERB if walks else 0.0, turn)
        if isinstance(mover.thing, Car):
            return lambda: mover.thing.draw(self.canvas, place)
        return lambda: mover.thing.draw(self.canvas, place, self.time)
