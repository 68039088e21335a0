# SPDX-License-Identifier: LGPL-2.1-or-later
"""Things that line the street."""

import math

from street.canvas import BUILDING, FENCE, POLE, SIGN, TREE
from street.shapes import Place, circle, wall

GLASS = (52, 62, 74)
STEEL = (120, 124, 128)


class Tree:
    def __init__(self, rng, height, green):
        self.height, self.green = height, green
        radius = height * 0.3
        self.puffs = sorted(
            ((rng.uniform(-1, 1) * radius * 0.75,
              height * 0.68 + rng.uniform(-1, 1) * radius * 0.8,
              rng.uniform(-1, 1) * radius * 0.7,
              radius * rng.uniform(0.38, 0.62)) for _ in range(26)),
            key=lambda p: p[1])

    def draw(self, canvas, place):
        canvas.limb(place.at(0, 0, 0), place.at(0, self.height * 0.55, 0),
                    0.05 * self.height, (92, 74, 58), TREE)
        for x, y, z, r in self.puffs:
            # Upper leaves shade the lower ones.
            lit = 0.68 + 0.42 * (y / self.height - 0.42) / 0.55
            canvas.ball(place.at(x, y, z), r, self.green, TREE, lit)


class Hedge:
    def __init__(self, rng, green):
        self.green = green
        self.puffs = [(rng.uniform(0, 4), rng.uniform(0.3, 2.2), rng.uniform(0.5, 0.9))
                      for _ in range(10)]

    def draw(self, canvas, place):
        for z, y, r in sorted(self.puffs, key=lambda p: p[1]):
            canvas.ball(place.at(0, y, z), r, self.green, TREE, 0.7 + 0.15 * y)


class Lamp:
    def draw(self, canvas, place):
        """The arm reaches to the left of the place."""
        canvas.limb(place.at(0, 0, 0), place.at(0, 6.4, 0), 0.22, (96, 102, 106), POLE)
        canvas.limb(place.at(0, 6.4, 0), place.at(-1.3, 6.7, 0), 0.14, (96, 102, 106), POLE)
        canvas.limb(place.at(-1.2, 6.66, 0), place.at(-1.75, 6.68, 0), 0.2,
                    (214, 210, 190), POLE)


class Sign:
    def __init__(self, kind):
        self.kind = kind  # round, triangle, square, light

    def draw(self, canvas, place):
        canvas.limb(place.at(0, 0, 0), place.at(0, 2.9, 0), 0.15, STEEL, POLE)
        face = Place(*place.at(0, 2.55, -0.08), place.heading + math.pi / 2)
        if self.kind == "light":
            self._light(canvas, place)
        elif self.kind == "square":
            self._plate(canvas, face, 4, 0.55, (36, 84, 160), (235, 238, 240), 0.5)
        elif self.kind == "triangle":
            self._plate(canvas, face, 3, 0.6, (200, 32, 36), (240, 240, 235), 0.62)
        else:
            self._plate(canvas, face, 20, 0.42, (200, 32, 36), (240, 240, 235), 0.72)

    def _plate(self, canvas, face, corners, radius, rim, inside, share):
        start = math.pi / 4 if corners == 4 else math.pi / 2
        for r, colour in ((radius, rim), (radius * share, inside)):
            canvas.polygon(circle(face, r, corners, start), colour, SIGN)

    def _light(self, canvas, place):
        box = [place.at(x, y, -0.1) for x, y in
               ((-.22, 2.2), (.22, 2.2), (.22, 3.2), (-.22, 3.2))]
        canvas.polygon(box, (34, 36, 38), SIGN)
        for y, colour in ((3.0, (70, 30, 28)), (2.7, (80, 64, 30)), (2.4, (70, 220, 130))):
            canvas.ball(place.at(0, y, -0.12), 0.11, colour, SIGN, 1.1)


class Fence:
    """Four metres of a wooden fence."""

    LENGTH = 4.0

    def __init__(self, colour, height=1.25):
        self.colour, self.height = colour, height

    def draw(self, canvas, place):
        def panel(z0, z1, y0, y1, brightness):
            canvas.polygon([place.at(0, y0, z0), place.at(0, y0, z1),
                            place.at(0, y1, z1), place.at(0, y1, z0)],
                           self.colour, FENCE, brightness)
        panel(0, self.LENGTH, 0, self.height, 0.62)
        count = 14
        for i in range(count):
            z = self.LENGTH * i / count
            panel(z, z + self.LENGTH / count * 0.62, 0, self.height * 1.04, 1)
        panel(0, self.LENGTH, self.height * 0.72, self.height * 0.8, 0.85)


class Building:
    """One bay of a house; neighbours of the same house share its looks.

    Bays and not houses, because the painter needs pieces that are small
    against what stands before them.
    """

    def __init__(self, looks, side, first):
        self.looks, self.side, self.first = looks, side, first

    def draw(self, canvas, near, far):
        looks = self.looks
        height = looks.floors * 3.0 + looks.ground
        lit = 1.0 if self.side == looks.sunny else 0.78
        if self.first:
            self._end_wall(canvas, near, height)
        canvas.polygon(wall(near, far, 0, height), looks.colour, BUILDING, lit)
        canvas.polygon(wall(near, far, height - 0.35, height), looks.trim, BUILDING, lit)
        self._ground_floor(canvas, near, far, lit)
        for floor in range(looks.floors):
            bottom = looks.ground + floor * 3.0
            for low, high in looks.windows:
                self._window(canvas, near, far, low, high, bottom + 0.75,
                             bottom + 2.35, lit)
        if looks.roof:
            self._roof(canvas, near, far, height, lit)

    def _end_wall(self, canvas, near, height):
        depth = 9 * self.side
        corners = [near.at(0, 0, 0), near.at(depth, 0, 0),
                   near.at(depth, height, 0), near.at(0, height, 0)]
        canvas.polygon(corners, self.looks.colour, BUILDING, 0.88)
        if self.looks.roof:
            canvas.polygon([near.at(0, height, 0), near.at(depth, height, 0),
                            near.at(depth / 2, height + self.looks.roof, 0)],
                           self.looks.colour, BUILDING, 0.88)

    def _ground_floor(self, canvas, near, far, lit):
        looks = self.looks
        if looks.shop:
            canvas.polygon(wall(near, far, 0.45, looks.ground - 0.8, 0.06, 0.94),
                           GLASS, BUILDING, lit * 1.3)
            canvas.polygon(wall(near, far, looks.ground - 0.75, looks.ground - 0.15),
                           looks.shop, BUILDING, lit)
        elif self.first:
            canvas.polygon(wall(near, far, 0, 2.3, 0.3, 0.62), looks.door, BUILDING, lit)
        else:
            self._window(canvas, near, far, 0.2, 0.8, 0.9, 2.4, lit)

    def _window(self, canvas, near, far, low, high, bottom, top, lit):
        edge = 0.035
        canvas.polygon(wall(near, far, bottom - 0.12, top + 0.08, low - edge,
                             high + edge), self.looks.trim, BUILDING, lit)
        canvas.polygon(wall(near, far, bottom, top, low, high), GLASS, BUILDING,
                       lit * 1.35)
        middle = (low + high) / 2
        canvas.polygon(wall(near, far, bottom, top, middle - 0.012, middle + 0.012),
                       self.looks.trim, BUILDING, lit)

    def _roof(self, canvas, near, far, height, lit):
        inward = 4.5 * self.side
        ridge = height + self.looks.roof
        canvas.polygon([near.at(-0.3 * self.side, height - 0.1, 0),
                        far.at(-0.3 * self.side, height - 0.1, 0),
                        far.at(inward, ridge, 0), near.at(inward, ridge, 0)],
                       self.looks.roof_colour, BUILDING, lit)
