# SPDX-License-Identifier: LGPL-2.1-or-later
"""One street, made up from a seed: its course, its surroundings, its traffic."""

import colorsys
import math
from dataclasses import dataclass

import numpy as np

from street import roadside, traffic
from street.shapes import Place

ROAD_HALF = 5.2  # two lanes and a strip of parked cars on either side
LANE = 1.65
PARKED = 4.2
KERB = 0.13
VIEW = 170.0  # how far ahead anything is drawn
BAY = 4.0


@dataclass
class Light:
    zenith: tuple
    haze: tuple
    tint: tuple
    visibility: float
    cloud: tuple


LIGHTS = {
    "sunny": Light((74, 132, 204), (206, 222, 234), (1.05, 1.02, 0.96), 260, (246, 248, 250)),
    "overcast": Light((176, 184, 192), (214, 218, 220), (0.9, 0.92, 0.95), 170, (202, 206, 210)),
    "evening": Light((84, 104, 158), (240, 204, 168), (1.05, 0.9, 0.78), 200, (250, 214, 186)),
    "hazy": Light((148, 172, 200), (226, 228, 226), (0.97, 0.97, 0.95), 120, (236, 238, 240)),
}


@dataclass
class Looks:
    """What all bays of a house share."""

    colour: tuple
    trim: tuple
    door: tuple
    roof_colour: tuple
    floors: int
    ground: float
    roof: float
    shop: tuple
    windows: tuple
    sunny: int


@dataclass
class Mover:
    thing: object
    start: float  # along the street, in metres
    aside: float
    speed: float  # along the street; oncoming is negative
    across: float = 0.0  # metres a second to the right


class Street:
    def __init__(self, seed, length, light=None, left_hand=None, crossing=60):
        """crossing: metres of street per pedestrian who crosses it."""
        self.rng = np.random.default_rng(seed)
        self.length = length + VIEW + 40
        names = sorted(LIGHTS)
        self.light = LIGHTS[light or names[self.rng.integers(len(names))]]
        left = self.rng.random() < 0.5 if left_hand is None else left_hand
        self.drive = -1 if left else 1  # the side one drives on
        self.walk = self.rng.uniform(2.4, 3.6)
        self._course()
        self.grey = float(self.rng.uniform(84, 112))
        self.paving = tuple(int(c) for c in self.rng.uniform(150, 182) + np.array((6, 2, -6)))
        self.static, self.movers, self.bays = [], [], []
        for side in (-1, 1):
            self._houses(side)
            self._street_furniture(side)
        self._traffic(crossing)
        self.clouds = [(self.rng.uniform(-1.2, 1.2), self.rng.uniform(0.12, 0.5),
                        self.rng.uniform(0.05, 0.16)) for _ in range(9)]
        self.patches = [(self.rng.uniform(0, self.length), self.rng.uniform(-4, 4),
                         self.rng.uniform(0.3, 1.4), self.rng.uniform(0.4, 4))
                        for _ in range(int(self.length / 7))]
        self.crossings = list(np.arange(self.rng.uniform(25, 60), self.length, 85.0))

    def _course(self):
        """The centre line of the street, one point per metre."""
        s = np.arange(-40, self.length + 1)
        bends = [(self.rng.uniform(0, 0.16), self.rng.uniform(110, 240),
                  self.rng.uniform(0, 2 * math.pi)) for _ in range(2)]
        self.heading = sum(a * np.sin(2 * math.pi * s / w + p) for a, w, p in bends)
        self.x = np.cumsum(np.sin(self.heading))
        self.z = np.cumsum(np.cos(self.heading))
        hill, wave, phase = (self.rng.uniform(0, 1.6), self.rng.uniform(160, 300),
                             self.rng.uniform(0, 6.3))
        self.y = hill * np.sin(2 * math.pi * s / wave + phase)

    def place(self, along, aside=0.0, up=0.0, turn=0.0):
        """The Place `along` metres down the street and `aside` metres to the right."""
        index = along + 40
        x, y, z, heading = (_between(values, index) for values in
                            (self.x, self.y, self.z, self.heading))
        here = Place(x, y, z, heading)
        return Place(*here.at(aside, up, 0), heading + turn)

    # Surroundings

    def _colour(self, hue, saturation, value):
        pick = self.rng.uniform
        rgb = colorsys.hsv_to_rgb(pick(*hue), pick(*saturation), pick(*value))
        return tuple(int(255 * c) for c in rgb)

    def _green(self):
        return self._colour((0.21, 0.33), (0.35, 0.6), (0.35, 0.56))

    def _looks(self):
        plaster = self.rng.random() < 0.5
        colour = (self._colour((0.06, 0.14), (0.08, 0.3), (0.68, 0.9)) if plaster
                  else self._colour((0.0, 0.08), (0.3, 0.52), (0.42, 0.66)))
        shop = self.rng.random() < 0.3
        edges = ((0.28, 0.72),) if self.rng.random() < 0.5 else ((0.12, 0.42), (0.58, 0.88))
        return Looks(colour, self._colour((0.08, 0.14), (0.02, 0.12), (0.8, 0.95)),
                     self._colour((0, 1), (0.4, 0.7), (0.3, 0.55)),
                     self._colour((0.0, 0.1), (0.1, 0.4), (0.3, 0.45)),
                     int(self.rng.integers(1, 5)), 3.4 if shop else 2.9,
                     self.rng.uniform(1.5, 3.0) if self.rng.random() < 0.6 else 0.0,
                     self._colour((0, 1), (0.4, 0.8), (0.35, 0.75)) if shop else (),
                     edges, 1 if self.light is LIGHTS["sunny"] else 0)

    def _houses(self, side):
        edge = ROAD_HALF + self.walk
        along = -30.0
        while along < self.length - 10:
            bays = int(self.rng.integers(2, 6))
            aside = side * (edge + 0.1)
            if self.rng.random() < 0.76:
                looks = self._looks()
                for i in range(bays):
                    self.bays.append((along + i * BAY, aside,
                                      roadside.Building(looks, side, i == 0)))
            else:
                self._garden(along, bays, side, aside)
            along += bays * BAY

    def _garden(self, along, bays, side, aside):
        white = self.rng.random() < 0.4
        colour = (214, 212, 204) if white else self._colour((0.05, 0.1), (0.25, 0.5), (0.35, 0.6))
        fence = roadside.Fence(colour, self.rng.uniform(1.0, 1.6))
        for i in range(bays):
            self.static.append((along + i * BAY, aside, fence))
            self.static.append((along + i * BAY, aside + side * 3,
                                roadside.Hedge(self.rng, self._green())))
            if self.rng.random() < 0.7:
                self.static.append((along + i * BAY + 2, aside + side * self.rng.uniform(4, 8),
                                    roadside.Tree(self.rng, self.rng.uniform(5, 9), self._green())))

    def _street_furniture(self, side):
        kerb = side * (ROAD_HALF + 0.6)
        trees = self.rng.random() < 0.7
        along = self.rng.uniform(-20, 0)
        while along < self.length:
            kind = self.rng.random()
            if kind < 0.42 and trees:
                self.static.append((along, kerb, roadside.Tree(
                    self.rng, self.rng.uniform(4.5, 7.5), self._green())))
            elif kind < 0.66:
                self.static.append((along, kerb, roadside.Lamp()))
            elif kind < 0.92:
                sign = ("round", "triangle", "square", "light")[self.rng.integers(4)]
                self.static.append((along, kerb, roadside.Sign(sign)))
            along += self.rng.uniform(6, 13)
        self._parked(side)

    def _parked(self, side):
        along = self.rng.uniform(-10, 10)
        while along < self.length:
            if self.rng.random() < 0.55:
                self.movers.append(Mover(self._car(), along, side * PARKED, 0.0))
            along += self.rng.uniform(5.6, 7.5)

    # Traffic

    def _car(self):
        shape = sorted(traffic.Car.SHAPES)[self.rng.integers(len(traffic.Car.SHAPES))]
        if self.rng.random() < 0.5:
            return traffic.Car(shape, self._colour((0.55, 0.65), (0, 0.1), (0.2, 0.92)))
        return traffic.Car(shape, self._colour((0, 1), (0.4, 0.75), (0.3, 0.7)))

    def _pedestrian(self, pace):
        skin = ((232, 190, 160), (198, 150, 120), (120, 84, 64))[self.rng.integers(3)]
        return traffic.Pedestrian(self.rng.uniform(1.58, 1.88),
                                 self._colour((0, 1), (0.2, 0.8), (0.25, 0.85)),
                                 self._colour((0.55, 0.7), (0.1, 0.5), (0.12, 0.4)),
                                 skin, pace)

    def _cyclist(self, pace):
        return traffic.Cyclist(self._colour((0, 1), (0.4, 0.9), (0.5, 0.95)),
                              self._colour((0.55, 0.7), (0.1, 0.5), (0.12, 0.4)),
                              self._colour((0, 1), (0.5, 0.9), (0.3, 0.8)),
                              self._colour((0, 1), (0.3, 0.9), (0.4, 0.95)), pace)

    def _traffic(self, crossing):
        pick, lane = self.rng.uniform, LANE * self.drive
        along = pick(20, 40)
        while along < self.length * 2:
            self.movers.append(Mover(self._car(), along, -lane, -pick(8, 10)))
            along += pick(22, 60)
        self.movers.append(Mover(self._car(), pick(20, 30), lane, pick(8.6, 9.6)))
        for _ in range(int(self.length / 38) + 1):
            pace = pick(3.8, 5.4)
            with_us = self.rng.random() < 0.6
            self.movers.append(Mover(self._cyclist(pace), pick(8, self.length * 0.8),
                                     (1 if with_us else -1) * (lane + 1.1 * self.drive),
                                     pace if with_us else -pace))
        for _ in range(int(self.length / 6)):
            side, pace = self.rng.choice((-1, 1)), pick(0.9, 1.6)
            self.movers.append(Mover(self._pedestrian(pace), pick(0, self.length),
                                     side * (ROAD_HALF + pick(1.3, self.walk - 0.5)),
                                     pace * self.rng.choice((-1, 1))))
        for _ in range(int(self.length / crossing) + 1):
            side = self.rng.choice((-1, 1))
            self.movers.append(Mover(self._pedestrian(1.5), pick(25, self.length * 0.7),
                                     side * (ROAD_HALF + 2), 0.0, -side * 1.5))


def _between(values, index):
    """Linear interpolation in an array with one entry per metre."""
    low = min(max(int(index), 0), len(values) - 2)
    return float(values[low] + (index - low) * (values[low + 1] - values[low]))
