# SPDX-License-Identifier: LGPL-2.1-or-later
"""Road users."""

import math

from street.canvas import BICYCLIST, CAR, PEDESTRIAN, ROAD
from street.shapes import Place, circle, inset, patch

GLASS = (52, 62, 74)
RUBBER = (28, 28, 30)
STEEL = (120, 124, 128)


class Car:
    # (ahead, up) along the roof line, from the rear bumper to the front bumper
    SHAPES = {
        "hatchback": ((-1.95, .38), (-2.0, .95), (-1.6, 1.43), (.25, 1.45),
                      (1.05, .98), (1.9, .8), (1.98, .38)),
        "saloon": ((-2.2, .38), (-2.2, .92), (-1.35, 1.36), (.2, 1.38),
                   (1.05, .95), (2.1, .78), (2.15, .38)),
        "estate": ((-2.25, .42), (-2.25, 1.0), (-2.0, 1.55), (.25, 1.6),
                   (1.1, 1.08), (2.05, .92), (2.1, .42)),
        "van": ((-2.5, .45), (-2.52, 1.2), (-2.48, 2.15), (.9, 2.18),
                (1.75, 1.3), (2.4, 1.05), (2.45, .45)),
    }
    GLAZED = (1, 3)  # the faces that are rear window and windscreen

    def __init__(self, shape, colour):
        self.profile, self.colour = self.SHAPES[shape], colour
        self.half = 1.0 if shape == "van" else 0.87

    def draw(self, canvas, place):
        self._shadow(canvas, place)
        for side in (-1, 1):
            if not self._side_seen(canvas, place, side):
                self._wheels(canvas, place, side)
        faces = [i for i in range(6) if self._face_seen(canvas, place, i)]
        for i in sorted(faces, key=lambda i: -self._distance(canvas, place, i)):
            self._face(canvas, place, i)
        for side in (-1, 1):
            if self._side_seen(canvas, place, side):
                self._side(canvas, place, side)

    def _shadow(self, canvas, place):
        ends = self.profile[0][0] - 0.15, self.profile[-1][0] + 0.15
        wide = self.half + 0.12
        canvas.polygon([place.at(x, 0.02, z) for x, z in
                        ((-wide, ends[0]), (wide, ends[0]), (wide, ends[1]),
                         (-wide, ends[1]))], (38, 38, 42), ROAD)

    def _corners(self, place, i):
        (z0, y0), (z1, y1) = self.profile[i], self.profile[i + 1]
        # The cabin leans inwards.
        w0, w1 = (self.half * (0.86 if y > self.profile[1][1] + 0.2 else 1)
                  for y in (y0, y1))
        return [place.at(-w0, y0, z0), place.at(w0, y0, z0),
                place.at(w1, y1, z1), place.at(-w1, y1, z1)]

    def _face_seen(self, canvas, place, i):
        (z0, y0), (z1, y1) = self.profile[i], self.profile[i + 1]
        normal = place.direction(0, z1 - z0, y0 - y1)
        return canvas.faces_camera(place.at(0, y0, z0), normal)

    def _side_seen(self, canvas, place, side):
        return canvas.faces_camera(place.at(side * self.half, 0.6, 0),
                                   place.direction(side, 0, 0))

    def _distance(self, canvas, place, i):
        return canvas.camera.view(self._corners(place, i)[0])[2]

    def _face(self, canvas, place, i):
        corners = self._corners(place, i)
        (z0, y0), (z1, y1) = self.profile[i], self.profile[i + 1]
        steep = abs(y1 - y0) / math.hypot(y1 - y0, z1 - z0)
        canvas.polygon(corners, self.colour, CAR, 1.12 - 0.3 * steep)
        if i in self.GLAZED:
            canvas.polygon(inset(corners, 0.09), GLASS, CAR, 1.25 if i == 3 else 1)
        if i in (0, 5):
            self._lights(canvas, corners, front=i == 5)

    def _lights(self, canvas, corners, front):
        for low, high in ((0.04, 0.24), (0.76, 0.96)):
            canvas.polygon(patch(corners, low, high, 0.5, 0.82, front),
                           (245, 240, 215) if front else (190, 30, 30), CAR, 1.1)
        canvas.polygon(patch(corners, 0.36, 0.64, 0.3, 0.52, front),
                       (235, 235, 225) if front else (225, 200, 80), CAR)
        canvas.polygon(patch(corners, 0, 1, 0, 0.2, front), (40, 40, 42), CAR)

    def _side(self, canvas, place, side):
        def points(outline, wide=self.half):
            return [place.at(side * wide, y, z) for z, y in outline]
        p = self.profile
        cabin = [(p[1][0], p[1][1]), p[2], p[3], p[4]]
        canvas.polygon(points([p[0], p[1], p[4], p[5], p[6]]), self.colour, CAR, 0.82)
        # One polygon of two widths: the belt line is wider than the roof.
        shell = [place.at(side * self.half * w, y, z)
                 for (z, y), w in zip(cabin, (1, .86, .86, 1))]
        canvas.polygon(shell, self.colour, CAR, 0.86)
        canvas.polygon(inset(shell, 0.1), GLASS, CAR)
        middle = (p[2][0] + p[3][0]) / 2
        canvas.limb(place.at(side * self.half, p[1][1], middle),
                    place.at(side * self.half * .86, p[2][1], middle), 0.08,
                    self.colour, CAR, 0.8)
        self._wheels(canvas, place, side)

    def _wheels(self, canvas, place, side):
        for z in (self.profile[0][0] * 0.64, self.profile[-1][0] * 0.64):
            hub = Place(*place.at(side * (self.half + 0.01), 0.32, z), place.heading)
            canvas.polygon(circle(hub, 0.33), RUBBER, CAR)
            canvas.polygon(circle(hub, 0.19), STEEL, CAR)


class Pedestrian:
    def __init__(self, height, coat, trousers, skin, pace=1.4):
        self.height, self.coat, self.trousers = height, coat, trousers
        self.skin, self.pace = skin, pace

    def draw(self, canvas, place, time):
        h = self.height
        swing = math.sin(time * self.pace * 4.2) * 0.24 * min(1, self.pace)
        hip, neck = place.at(0, 0.5 * h, 0), place.at(0, 0.82 * h, 0.02)
        for side in (-1, 1):
            self._leg(canvas, place, side, side * swing)
        for side in (-1, 1):
            shoulder = place.at(side * 0.2, 0.79 * h, 0)
            hand = place.at(side * 0.25, 0.48 * h, -side * swing * 0.9)
            canvas.limb(shoulder, hand, 0.11, self.coat, PEDESTRIAN, 0.85)
        canvas.limb(hip, place.at(0, 0.74 * h, 0), 0.36, self.coat, PEDESTRIAN)
        canvas.limb(neck, place.at(0, 0.86 * h, 0.02), 0.11, self.skin, PEDESTRIAN, 0.9)
        canvas.ball(place.at(0, 0.925 * h, 0.03), 0.125, self.skin, PEDESTRIAN)
        canvas.ball(place.at(0, 0.955 * h, 0), 0.115, self.trousers, PEDESTRIAN, 0.7)

    def _leg(self, canvas, place, side, swing):
        h = self.height
        hip = place.at(side * 0.09, 0.5 * h, 0)
        knee = place.at(side * 0.09, 0.27 * h, swing * 0.7 + 0.04)
        foot = place.at(side * 0.09, 0.04, swing * 1.4)
        canvas.limb(hip, knee, 0.17, self.trousers, PEDESTRIAN)
        canvas.limb(knee, foot, 0.13, self.trousers, PEDESTRIAN, 0.9)
        canvas.limb(foot, place.at(side * 0.09, 0.03, swing * 1.4 + 0.18), 0.1,
                    RUBBER, PEDESTRIAN)


class Cyclist:
    def __init__(self, coat, trousers, frame, helmet, pace=4.5):
        self.coat, self.trousers = coat, trousers
        self.frame, self.helmet, self.pace = frame, helmet, pace

    def draw(self, canvas, place, time):
        self._bicycle(canvas, place)
        turn = time * self.pace / 0.34 * 0.4
        for side in (-1, 1):
            phase = turn + (math.pi if side > 0 else 0)
            foot = place.at(side * 0.11, 0.3 + 0.17 * math.sin(phase),
                            0.17 * math.cos(phase))
            knee = place.at(side * 0.12, 0.7 + 0.1 * math.sin(phase), 0.22)
            canvas.limb(place.at(side * 0.1, 0.98, -0.2), knee, 0.16,
                        self.trousers, BICYCLIST)
            canvas.limb(knee, foot, 0.12, self.trousers, BICYCLIST, 0.85)
        shoulders = place.at(0, 1.42, 0.15)
        canvas.limb(place.at(0, 1.02, -0.22), shoulders, 0.36, self.coat, BICYCLIST)
        for side in (-1, 1):
            canvas.limb(place.at(side * 0.19, 1.4, 0.15), place.at(side * 0.24, 1.05, 0.5),
                        0.1, self.coat, BICYCLIST, 0.85)
        canvas.ball(place.at(0, 1.64, 0.24), 0.12, (205, 165, 140), BICYCLIST)
        canvas.ball(place.at(0, 1.7, 0.22), 0.125, self.helmet, BICYCLIST)

    def _bicycle(self, canvas, place):
        for z in (-0.52, 0.52):
            hub = Place(*place.at(0, 0.34, z), place.heading)
            canvas.polygon(circle(hub, 0.34), RUBBER, BICYCLIST)
            canvas.polygon(circle(hub, 0.28), (105, 108, 112), BICYCLIST)
            # A disc seen edge-on has no area.
            canvas.limb(place.at(0, 0.04, z), place.at(0, 0.64, z), 0.05,
                        RUBBER, BICYCLIST)
        for a, b in (((.34, -.52), (.9, -.2)), ((.3, 0), (.9, -.2)), ((.3, 0), (.88, .4)),
                     ((.88, .4), (.34, .52)), ((.85, -.17), (.88, .4))):
            canvas.limb(place.at(0, *a), place.at(0, *b), 0.045, self.frame, BICYCLIST)
