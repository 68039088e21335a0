# SPDX-License-Identifier: LGPL-2.1-or-later
"""One street, made up from a seed: its course, what lines it, who moves on it."""

import colorsys
import math
from dataclasses import dataclass

import numpy as np

from street import things
from street.canvas import ROAD, SIDEWALK, TREE, Camera, Canvas
from street.things import Place

ROAD_HALF = 5.2  # two lanes and a strip of parked cars on either side
LANE = 1.65
PARKED = 4.2
KERB = 0.13
VIEW = 170.0  # how far ahead anything is drawn
BAY = 4.0
# (aside, up) of the puffs of a cloud
CLOUD = ((-0.85, 0), (-0.45, 0.1), (-0.1, 0.22), (0.3, 0.12), (0.75, 0), (0.1, 0))


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
    """What the bays of one house have in common."""

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
    def __init__(self, seed, length, light=None, left_hand=None):
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
        self._traffic()
        self.clouds = [(self.rng.uniform(-1.2, 1.2), self.rng.uniform(0.12, 0.5),
                        self.rng.uniform(0.05, 0.16)) for _ in range(9)]
        self.patches = [(self.rng.uniform(0, self.length), self.rng.uniform(-4, 4),
                         self.rng.uniform(0.3, 1.4), self.rng.uniform(0.4, 4))
                        for _ in range(int(self.length / 7))]
        self.crossings = list(np.arange(self.rng.uniform(25, 60), self.length, 85.0))

    def _course(self):
        """The middle of the street, a point every metre."""
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
        """Where one is `along` metres down the street and `aside` to the right."""
        index = along + 40
        x, y, z, heading = (_between(values, index) for values in
                            (self.x, self.y, self.z, self.heading))
        here = Place(x, y, z, heading)
        return Place(*here.at(aside, up, 0), heading + turn)

    # What lines the street

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
                                      things.Building(looks, side, i == 0)))
            else:
                self._garden(along, bays, side, aside)
            along += bays * BAY

    def _garden(self, along, bays, side, aside):
        white = self.rng.random() < 0.4
        colour = (214, 212, 204) if white else self._colour((0.05, 0.1), (0.25, 0.5), (0.35, 0.6))
        fence = things.Fence(colour, self.rng.uniform(1.0, 1.6))
        for i in range(bays):
            self.static.append((along + i * BAY, aside, fence))
            self.static.append((along + i * BAY, aside + side * 3,
                                things.Hedge(self.rng, self._green())))
            if self.rng.random() < 0.7:
                self.static.append((along + i * BAY + 2, aside + side * self.rng.uniform(4, 8),
                                    things.Tree(self.rng, self.rng.uniform(5, 9), self._green())))

    def _street_furniture(self, side):
        kerb = side * (ROAD_HALF + 0.6)
        trees = self.rng.random() < 0.7
        along = self.rng.uniform(-20, 0)
        while along < self.length:
            kind = self.rng.random()
            if kind < 0.42 and trees:
                self.static.append((along, kerb, things.Tree(
                    self.rng, self.rng.uniform(4.5, 7.5), self._green())))
            elif kind < 0.66:
                self.static.append((along, kerb, things.Lamp()))
            elif kind < 0.92:
                sign = ("round", "triangle", "square", "light")[self.rng.integers(4)]
                self.static.append((along, kerb, things.Sign(sign)))
            along += self.rng.uniform(6, 13)
        self._parked(side)

    def _parked(self, side):
        along = self.rng.uniform(-10, 10)
        while along < self.length:
            if self.rng.random() < 0.55:
                self.movers.append(Mover(self._car(), along, side * PARKED, 0.0))
            along += self.rng.uniform(5.6, 7.5)

    # Who moves

    def _car(self):
        shape = sorted(things.Car.SHAPES)[self.rng.integers(len(things.Car.SHAPES))]
        if self.rng.random() < 0.5:
            return things.Car(shape, self._colour((0.55, 0.65), (0, 0.1), (0.2, 0.92)))
        return things.Car(shape, self._colour((0, 1), (0.4, 0.75), (0.3, 0.7)))

    def _pedestrian(self, pace):
        skin = ((232, 190, 160), (198, 150, 120), (120, 84, 64))[self.rng.integers(3)]
        return things.Pedestrian(self.rng.uniform(1.58, 1.88),
                                 self._colour((0, 1), (0.2, 0.8), (0.25, 0.85)),
                                 self._colour((0.55, 0.7), (0.1, 0.5), (0.12, 0.4)),
                                 skin, pace)

    def _cyclist(self, pace):
        return things.Cyclist(self._colour((0, 1), (0.4, 0.9), (0.5, 0.95)),
                              self._colour((0.55, 0.7), (0.1, 0.5), (0.12, 0.4)),
                              self._colour((0, 1), (0.5, 0.9), (0.3, 0.8)),
                              self._colour((0, 1), (0.3, 0.9), (0.4, 0.95)), pace)

    def _traffic(self):
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
        for _ in range(int(self.length / 60) + 1):
            side = self.rng.choice((-1, 1))
            self.movers.append(Mover(self._pedestrian(1.5), pick(25, self.length * 0.7),
                                     side * (ROAD_HALF + 2), 0.0, -side * 1.5))

    # One frame

    def render(self, size, along, time):
        """(picture, classes) as seen `along` metres down the street at `time`."""
        spot = self.place(along, LANE * self.drive)
        ahead = self.place(along + 9, LANE * self.drive)
        heading = math.atan2(ahead.origin[0] - spot.origin[0],
                             ahead.origin[2] - spot.origin[2])
        slope = (ahead.origin[1] - spot.origin[1]) / 9
        x, y, z = spot.origin
        bounce = 0.012 * math.sin(time * 9) + 0.02 * math.sin(time * 2.3)
        camera = Camera(size, x, y + 1.62 + bounce, z, heading,
                        slope * 0.85 * size[0] / size[1] + 0.002 * math.sin(time * 5))
        canvas = Canvas(camera, self.light)
        canvas.sky()
        for bearing, elevation, extent in self.clouds:
            for shift, rise in CLOUD:
                canvas.cloud(bearing + shift * extent, elevation + rise * extent,
                             extent * (0.62 - 0.4 * abs(shift)), self.light.cloud)
        self._skyline(canvas, along)
        self._ground(canvas, along)
        self._things(canvas, along, time)
        return canvas.finish()

    def _skyline(self, canvas, along):
        """Trees where the street ends."""
        for i in range(-14, 15):
            far = self.place(along + VIEW, i * 9.0)
            canvas.ball(far.at(0, 3 + 2.5 * math.sin(i * 2.4), 0), 9, (84, 112, 70), TREE)

    def _ground(self, canvas, along):
        edges = list(np.concatenate([np.arange(VIEW, 60, -8), np.arange(60, 24, -4),
                                     np.arange(24, -4, -1.5)]))
        near_first = [along + e for e in edges]
        edge = ROAD_HALF + self.walk
        for far, near in zip(near_first, near_first[1:]):
            for side in (-1, 1):
                self._strip(canvas, near, far, side * edge, side * 60, 0.1, (96, 124, 70), TREE)
                self._strip(canvas, near, far, side * ROAD_HALF, side * edge, KERB,
                            self.paving, SIDEWALK, 1 if int(far // 1.5) % 2 else 0.985)
            self._strip(canvas, near, far, -ROAD_HALF, ROAD_HALF, 0,
                        (self.grey,) * 2 + (self.grey + 4,), ROAD)
            for side in (-1, 1):
                self._kerb(canvas, near, far, side)
        self._marks(canvas, along)

    def _strip(self, canvas, near, far, left, right, up, colour, label, brightness=1.0):
        canvas.polygon([self.place(near, left, up).origin, self.place(near, right, up).origin,
                        self.place(far, right, up).origin, self.place(far, left, up).origin],
                       colour, label, brightness)

    def _kerb(self, canvas, near, far, side):
        edge = side * ROAD_HALF
        canvas.polygon([self.place(near, edge, 0).origin, self.place(far, edge, 0).origin,
                        self.place(far, edge, KERB).origin, self.place(near, edge, KERB).origin],
                       self.paving, SIDEWALK, 0.8)
        self._strip(canvas, near, far, edge, edge + side * 0.22, KERB, self.paving,
                    SIDEWALK, 1.12)

    def _marks(self, canvas, along):
        for start, aside, wide, long in self.patches:
            if along - 6 < start < along + 70:
                self._strip(canvas, start, start + long, aside, aside + wide, 0.004,
                            (self.grey - 9,) * 3, ROAD)
        white = (222, 222, 216)
        for start in np.arange(along - along % 6 - 6, along + VIEW * 0.8, 6)[::-1]:
            self._strip(canvas, start, start + 3, -0.07, 0.07, 0.01, white, ROAD)
        for crossing in self.crossings:
            if along - 8 < crossing < along + VIEW * 0.8:
                for aside in np.arange(-ROAD_HALF + 0.3, ROAD_HALF - 0.4, 1.0):
                    self._strip(canvas, crossing, crossing + 3.2, aside, aside + 0.5, 0.012,
                                white, ROAD)

    def _things(self, canvas, along, time):
        drawn = []
        for start, aside, bay in self.bays:
            if -BAY < start - along < VIEW:
                drawn.append((start + BAY, lambda b=bay, s=start, a=aside: b.draw(
                    canvas, self.place(s, a), self.place(s + BAY, a))))
        for start, aside, thing in self.static:
            if -5 < start - along < VIEW:
                # A lamp's arm reaches to its left: on the left side it turns round.
                turn = math.pi if isinstance(thing, things.Lamp) and aside < 0 else 0.0
                key = start + (BAY if isinstance(thing, (things.Fence, things.Hedge)) else 0)
                drawn.append((key, lambda t=thing, s=start, a=aside, r=turn:
                              t.draw(canvas, self.place(s, a, KERB, r))))
        for mover in self.movers:
            drawn.extend(self._moving(canvas, along, time, mover))
        for _, draw in sorted(drawn, key=lambda d: -d[0]):
            draw()

    def _moving(self, canvas, along, time, mover):
        start = mover.start + mover.speed * time
        aside = mover.aside + mover.across * time
        if not -6 < start - along < VIEW * 0.8 or abs(aside) > ROAD_HALF + self.walk:
            return
        turn = math.pi if mover.speed < 0 else 0.0
        if mover.across:
            turn = math.copysign(math.pi / 2, mover.across)
        elif mover.speed == 0 and mover.aside * self.drive < 0:
            turn = math.pi  # parked against us, on the other side
        walking = isinstance(mover.thing, things.Pedestrian)
        up = KERB if walking and abs(aside) > ROAD_HALF else 0.0
        place = self.place(start, aside, up, turn)
        if isinstance(mover.thing, things.Car):
            yield start, lambda: mover.thing.draw(canvas, place)
        else:
            yield start, lambda: mover.thing.draw(canvas, place, time)


def _between(values, index):
    """Linear interpolation in an array with one entry a metre."""
    low = min(max(int(index), 0), len(values) - 2)
    return float(values[low] + (index - low) * (values[low + 1] - values[low]))
