/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/masks/distinctcolors.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fastscnn
{
namespace
{

constexpr int kVisions = 4;
constexpr int kSteps = 9; // levels of R, G and B
constexpr int kNeighbours = 4;
constexpr float kApart = 0.15f; // minimum distance of neighbours, in OKLab
constexpr float kDarkest = 0.4f, kLightest = 0.95f; // in OKLab

struct Lab {
  float l, a, b;
};

struct Candidate {
  uint32_t rgb;
  Lab seen[kVisions];
};

// Converts linear RGB to what is seen with normal vision, and without red,
// green and blue cones.
constexpr float kVision[kVisions][3][3] = {
  { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
  { { 0.152286f, 1.052583f, -0.204868f }, { 0.114503f, 0.786281f, 0.099216f },
      { -0.003882f, -0.048116f, 1.051998f } },
  { { 0.367322f, 0.860646f, -0.227968f }, { 0.280085f, 0.672501f, 0.047413f },
      { -0.011820f, 0.042940f, 0.968881f } },
  { { 1.255528f, -0.076749f, -0.178779f }, { -0.078411f, 0.930809f, 0.147602f },
      { 0.004733f, 0.691367f, 0.303900f } },
};

float
linear (float srgb)
{
  return srgb <= 0.04045f ? srgb / 12.92f
                          : std::pow ((srgb + 0.055f) / 1.055f, 2.4f);
}

Lab
oklab (const float rgb[3])
{
  const float l = std::cbrt (
      0.4122214708f * rgb[0] + 0.5363325363f * rgb[1] + 0.0514459929f * rgb[2]);
  const float m = std::cbrt (
      0.2119034982f * rgb[0] + 0.6806995451f * rgb[1] + 0.1073969566f * rgb[2]);
  const float s = std::cbrt (
      0.0883024619f * rgb[0] + 0.2817188376f * rgb[1] + 0.6299787005f * rgb[2]);
  return { 0.2104542553f * l + 0.7936177850f * m - 0.0040720468f * s,
    1.9779984951f * l - 2.4285922050f * m + 0.4505937099f * s,
    0.0259040371f * l + 0.7827717662f * m - 0.8086757660f * s };
}

Candidate
make_candidate (uint32_t color)
{
  Candidate out;
  out.rgb = color;
  const float rgb[3] = { linear ((color >> 16) / 255.f),
    linear ((color >> 8 & 255) / 255.f), linear ((color & 255) / 255.f) };
  for (int v = 0; v < kVisions; v++) {
    float seen[3];
    for (int i = 0; i < 3; i++) {
      const float *m = kVision[v][i];
      seen[i] = std::max (0.f, m[0] * rgb[0] + m[1] * rgb[1] + m[2] * rgb[2]);
    }
    out.seen[v] = oklab (seen);
  }
  return out;
}

float
distance (const Candidate &a, const Candidate &b)
{
  float least = std::numeric_limits<float>::max ();
  for (int v = 0; v < kVisions; v++) {
    const float dl = a.seen[v].l - b.seen[v].l;
    const float da = a.seen[v].a - b.seen[v].a;
    const float db = a.seen[v].b - b.seen[v].b;
    least = std::min (least, dl * dl + da * da + db * db);
  }
  return std::sqrt (least);
}

std::vector<Candidate>
make_candidates ()
{
  std::vector<Candidate> out;
  for (int i = 0; i < kSteps * kSteps * kSteps; i++) {
    const auto level = [] (int step) -> uint32_t {
      return step * 255 / (kSteps - 1);
    };
    const Candidate c =
        make_candidate (level (i / (kSteps * kSteps)) << 16 |
                        level (i / kSteps % kSteps) << 8 | level (i % kSteps));
    if (c.seen[0].l >= kDarkest && c.seen[0].l <= kLightest)
      out.push_back (c);
  }
  return out;
}

} // namespace

std::vector<uint32_t>
distinct_colors (size_t count)
{
  const std::vector<Candidate> candidates = make_candidates ();
  std::vector<float> nearest (
      candidates.size (), std::numeric_limits<float>::max ());
  std::vector<Candidate> chosen;
  std::vector<uint32_t> colors;
  Candidate next = make_candidate (0xe69f00); // any bright colour would do

  while (colors.size () < count) {
    chosen.push_back (next);
    colors.push_back (next.rgb);
    const size_t recent =
        chosen.size () - std::min<size_t> (chosen.size (), kNeighbours);
    float best = -1;
    for (size_t i = 0; i < candidates.size (); i++) {
      nearest[i] =
          std::min (nearest[i], distance (candidates[i], chosen.back ()));
      float apart = kApart;
      for (size_t j = recent; j < chosen.size (); j++)
        apart = std::min (apart, distance (candidates[i], chosen[j]));
      const float score = apart < kApart ? apart - kApart : nearest[i];
      if (score > best) {
        best = score;
        next = candidates[i];
      }
    }
  }
  return colors;
}

} // namespace fastscnn
