// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/paintreference.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "net/color.h"

namespace fastscnn::reference {
namespace {

/// A premultiplied colour and its strength.
struct Layer {
  double a = 0, c[3] = {0, 0, 0};
};

struct Pixels {
  int width = 0, height = 0;
  std::vector<Layer> layers;

  Pixels(int w, int h) : width(w), height(h), layers(size_t(w) * h) {}

  /// Beyond the frame: the nearest pixel.
  Layer &at(int x, int y) {
    x = std::clamp(x, 0, width - 1);
    y = std::clamp(y, 0, height - 1);
    return layers[size_t(y) * width + x];
  }
};

void add(Layer *sum, const Layer &layer, double weight) {
  sum->a += layer.a * weight;
  for (int c = 0; c < 3; c++) sum->c[c] += layer.c[c] * weight;
}

Layer over(const Layer &top, const Layer &bottom) {
  Layer out = top;
  add(&out, bottom, 1 - top.a);
  return out;
}

Layer layer_of(const FrameInfo &info, Rgba color, int alpha) {
  const ColorTransform t = invert(info.to_rgb, info.components);
  const double rgb[3] = {color.r / 255., color.g / 255., color.b / 255.};
  Layer out;
  out.a = alpha / 255.;
  for (int c = 0; c < info.components; c++) {
    double value = t.offset[c];
    for (int i = 0; i < 3; i++) value += t.matrix[c][i] * rgb[i];
    out.c[c] = std::clamp(value, 0., 1.) * 255 * out.a;
  }
  return out;
}

/// The length of the part of the unit interval around `at` that lies within
/// `reach` of `center`.
double overlap(double at, double center, double reach) {
  return std::max(0., std::min(at + 0.5, center + reach) -
                          std::max(at - 0.5, center - reach));
}

/// The average over a rectangle of 2 * reach_x by 2 * reach_y pixels around (x,
/// y).
Layer average(Pixels *pixels, double x, double y, double reach_x,
              double reach_y) {
  Layer out;
  const auto low = [](double at, double reach) {
    return static_cast<int>(std::floor(at - reach - 1));
  };
  const auto high = [](double at, double reach) {
    return static_cast<int>(std::ceil(at + reach + 1));
  };
  for (int j = low(y, reach_y); j <= high(y, reach_y); j++)
    for (int i = low(x, reach_x); i <= high(x, reach_x); i++) {
      const double weight = overlap(i, x, reach_x) * overlap(j, y, reach_y) /
                            (4 * reach_x * reach_y);
      if (weight > 0) add(&out, pixels->at(i, j), weight);
    }
  return out;
}

uint8_t *sample_at(const FrameInfo &info, const Frame &frame, int c, int i,
                   int j) {
  const Component &k = info.component[c];
  return frame.data[k.plane] + int64_t{j} * frame.stride[k.plane] + k.offset +
         int64_t{i} * k.pixel_stride;
}

double center_x(const FrameInfo &info, int c, int i) {
  return info.component[c].origin_x + (i << info.component[c].shift_x);
}

double center_y(const FrameInfo &info, int c, int j) {
  return info.component[c].origin_y + (j << info.component[c].shift_y);
}

uint8_t rounded(double value) {
  return static_cast<uint8_t>(std::clamp(std::lround(value), 0l, 255l));
}

/// Blends a layer per pixel into all components.
void blend(const FrameInfo &info, const Frame &frame, Pixels *pixels) {
  for (int c = 0; c < info.components; c++) {
    const Component &k = info.component[c];
    for (int j = 0; j < component_height(info, c); j++)
      for (int i = 0; i < component_width(info, c); i++) {
        const Layer layer =
            average(pixels, center_x(info, c, i), center_y(info, c, j),
                    (1 << k.shift_x) / 2., (1 << k.shift_y) / 2.);
        uint8_t *sample = sample_at(info, frame, c, i, j);
        *sample = rounded(*sample * (1 - layer.a) + layer.c[c]);
      }
  }
}

/// Multiplies alpha, which is not subsampled, by 1 - the opacity of the layers.
void cut(const FrameInfo &info, const Frame &frame, Pixels *pixels) {
  for (int y = 0; y < info.height; y++)
    for (int x = 0; x < info.width; x++) {
      uint8_t *alpha = frame.data[0] + int64_t{y} * frame.stride[0] +
                       int64_t{x} * info.component[0].pixel_stride + info.alpha;
      *alpha = rounded(*alpha * (1 - pixels->at(x, y).a));
    }
}

bool is_drawn(const PaintStyle &style, int value) {
  return value != kOutside && style.color[value].a > 0;
}

uint8_t enlarged(const PaintMask &mask, int x, int y) {
  const int px = enlarge_position(x, mask.width, mask.covers_width);
  const int py = enlarge_position(y, mask.height, mask.covers_height);
  std::map<int, int> votes;
  for (int dy = 0; dy < 2; dy++)
    for (int dx = 0; dx < 2; dx++) {
      const int sx = std::min((px >> 8) + dx, mask.width - 1);
      const int sy = std::min((py >> 8) + dy, mask.height - 1);
      const int wx = dx ? px & 255 : 256 - (px & 255);
      const int wy = dy ? py & 255 : 256 - (py & 255);
      votes[mask.ids[int64_t{sy} * mask.stride + sx]] += wx * wy;
    }
  int winner = 0, most = -1;
  for (auto [value, count] : votes)
    if (count > most) {
      winner = value;
      most = count;
    }
  return static_cast<uint8_t>(winner);
}

uint8_t reduced(const PaintMask &mask, int x, int y) {
  std::map<int, int64_t> own, near;
  int64_t own_samples = 0, near_samples = 0;
  for (int ny = y - 1; ny <= y + 1; ny++)
    for (int nx = x - 1; nx <= x + 1; nx++) {
      if (nx < 0 || ny < 0 || nx >= mask.covers_width ||
          ny >= mask.covers_height)
        continue;
      for (int sy = shrink_begin(ny, mask.height, mask.covers_height);
           sy < shrink_end(ny, mask.height, mask.covers_height); sy++)
        for (int sx = shrink_begin(nx, mask.width, mask.covers_width);
             sx < shrink_end(nx, mask.width, mask.covers_width); sx++) {
          const int value = mask.ids[int64_t{sy} * mask.stride + sx];
          near[value]++;
          near_samples++;
          if (nx == x && ny == y) {
            own[value]++;
            own_samples++;
          }
        }
    }
  int winner = -1;
  int64_t best = 0;
  for (auto [value, count] : own) {
    const int64_t score =
        4 * count * near_samples - 3 * near[value] * own_samples;
    if (winner < 0 || score > best) {
      winner = value;
      best = score;
    }
  }
  return static_cast<uint8_t>(winner);
}

bool on_outline(const std::vector<uint8_t> &values, const PaintMask &mask,
                int width, int height, int x, int y, int reach) {
  for (int dy = -reach; dy <= reach; dy++)
    for (int dx = -reach; dx <= reach; dx++) {
      const int nx = x + dx, ny = y + dy;
      if (dx * dx + dy * dy > reach * reach || nx < std::max(0, mask.x) ||
          ny < std::max(0, mask.y) ||
          nx >= std::min(width, mask.x + mask.covers_width) ||
          ny >= std::min(height, mask.y + mask.covers_height))
        continue;
      if (values[size_t(ny) * width + nx] != values[size_t(y) * width + x])
        return true;
    }
  return false;
}

/// The cells of a frame: which are covered, and the mean of each component.
struct Grid {
  int side, columns, rows;
  std::vector<double> covered, mean[3];

  Grid(const FrameInfo &info, const Frame &frame, int side_,
       const std::vector<uint8_t> &region)
      : side(side_),
        columns((info.width + side_ - 1) / side_),
        rows((info.height + side_ - 1) / side_),
        covered(size_t(columns) * rows, 0.) {
    for (int y = 0; y < info.height; y++)
      for (int x = 0; x < info.width; x++)
        if (region[size_t(y) * info.width + x])
          covered[size_t(y / side) * columns + x / side] = 1;
    for (int c = 0; c < info.components; c++) {
      mean[c].assign(covered.size(), 0.);
      std::vector<int> samples(covered.size(), 0);
      for (int j = 0; j < component_height(info, c); j++)
        for (int i = 0; i < component_width(info, c); i++) {
          const int cell = cell_of(info, c, i, j);
          mean[c][cell] += *sample_at(info, frame, c, i, j);
          samples[cell]++;
        }
      for (size_t i = 0; i < samples.size(); i++) mean[c][i] /= samples[i];
    }
  }

  int cell_of(const FrameInfo &info, int c, int i, int j) const {
    const int column = (i << info.component[c].shift_x) / side;
    const int row = (j << info.component[c].shift_y) / side;
    return std::min(row, rows - 1) * columns + std::min(column, columns - 1);
  }

  double at(const std::vector<double> &cells, int column, int row) const {
    return cells[size_t(std::clamp(row, 0, rows - 1)) * columns +
                 std::clamp(column, 0, columns - 1)];
  }

  void box_filter(std::vector<double> *cells, int dx, int dy) const {
    const std::vector<double> in = *cells;
    for (int row = 0; row < rows; row++)
      for (int column = 0; column < columns; column++) {
        double sum = 0;
        for (int t = -kBlurRadius; t <= kBlurRadius; t++)
          sum += at(in, column + t * dx, row + t * dy);
        (*cells)[size_t(row) * columns + column] = sum / (2 * kBlurRadius + 1);
      }
  }

  bool reaches(int column, int row) const {
    for (int y = row - 1; y <= row + 1; y++)
      for (int x = column - 1; x <= column + 1; x++)
        if (x >= 0 && y >= 0 && x < columns && y < rows &&
            covered[size_t(y) * columns + x] > 0)
          return true;
    return false;
  }
};

void pixelate(const FrameInfo &info, const Frame &frame, const Grid &grid) {
  for (int c = 0; c < info.components; c++)
    for (int j = 0; j < component_height(info, c); j++)
      for (int i = 0; i < component_width(info, c); i++) {
        const int cell = grid.cell_of(info, c, i, j);
        if (grid.covered[cell] > 0)
          *sample_at(info, frame, c, i, j) = rounded(grid.mean[c][cell]);
      }
}

void blur(const FrameInfo &info, const Frame &frame, Grid grid) {
  for (int c = 0; c < info.components; c++) {
    for (int pass = 0; pass < 3; pass++) {
      grid.box_filter(&grid.mean[c], 1, 0);
      grid.box_filter(&grid.mean[c], 0, 1);
    }
    for (int j = 0; j < component_height(info, c); j++)
      for (int i = 0; i < component_width(info, c); i++) {
        const double u = (center_x(info, c, i) + 0.5) / grid.side - 0.5;
        const double v = (center_y(info, c, j) + 0.5) / grid.side - 0.5;
        const int column = static_cast<int>(std::floor(u));
        const int row = static_cast<int>(std::floor(v));
        double strength = 0, color = 0;
        for (int dy = 0; dy < 2; dy++)
          for (int dx = 0; dx < 2; dx++) {
            const int x = std::clamp(column + dx, 0, grid.columns - 1);
            const int y = std::clamp(row + dy, 0, grid.rows - 1);
            const double weight = (dx ? u - column : 1 - u + column) *
                                  (dy ? v - row : 1 - v + row);
            if (!grid.reaches(x, y)) continue;
            strength += weight;
            color += weight * grid.at(grid.mean[c], x, y);
          }
        uint8_t *sample = sample_at(info, frame, c, i, j);
        *sample = rounded(*sample * (1 - strength) + color);
      }
  }
}

Layer area_layer(const FrameInfo &info, const PaintStyle &style, int value) {
  const bool drawn = is_drawn(style, value);
  const Layer color =
      drawn ? layer_of(info, style.color[value], style.color[value].a)
            : Layer();
  const Layer background = layer_of(info, style.background, style.background.a);
  if (style.mode == PaintMode::kBlend) return color;
  if (style.mode == PaintMode::kMask) return over(color, background);
  return drawn ? Layer() : background;
}

/// One value of the mask for every pixel of the frame.
std::vector<uint8_t> pixel_values(const PaintMask &mask, int width,
                                  int height) {
  std::vector<uint8_t> values(size_t(width) * height, kOutside);
  const bool enlarge =
      mask.width <= mask.covers_width && mask.height <= mask.covers_height;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      const int mx = x - mask.x, my = y - mask.y;
      if (mx < 0 || my < 0 || mx >= mask.covers_width ||
          my >= mask.covers_height)
        continue;
      values[size_t(y) * width + x] =
          enlarge ? enlarged(mask, mx, my) : reduced(mask, mx, my);
    }
  return values;
}

}  // namespace

std::vector<uint8_t> grown_region(const std::vector<uint8_t> &values, int width,
                                  int height, const PaintStyle &style) {
  const int margin = static_cast<int>(std::ceil(style.margin * height));
  std::vector<uint8_t> region(values.size(), style.cover_all);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      if (style.cover_all || !is_drawn(style, values[size_t(y) * width + x]))
        continue;
      for (int ny = std::max(0, y - margin);
           ny <= std::min(height - 1, y + margin); ny++)
        for (int nx = std::max(0, x - margin);
             nx <= std::min(width - 1, x + margin); nx++)
          region[size_t(ny) * width + nx] = 1;
    }
  return region;
}

void paint(const FrameInfo &info, const Frame &frame, const PaintMask &mask,
           const PaintStyle &style) {
  const int width = info.width, height = info.height;
  const std::vector<uint8_t> values =
      style.cover_all ? std::vector<uint8_t>(size_t(width) * height, kOutside)
                      : pixel_values(mask, width, height);
  if (style.mode == PaintMode::kBlur || style.mode == PaintMode::kPixelate) {
    const auto region = grown_region(values, width, height, style);
    if (style.mode == PaintMode::kBlur)
      blur(info, frame, Grid(info, frame, blur_cell(height), region));
    else
      pixelate(info, frame, Grid(info, frame, pixelate_cell(height), region));
    return;
  }

  Pixels areas(width, height), outlines(width, height);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      const int value = values[size_t(y) * width + x];
      areas.at(x, y) =
          style.cover_all ? layer_of(info, style.background, style.background.a)
                          : area_layer(info, style, value);
      if (is_drawn(style, value) &&
          on_outline(values, mask, width, height, x, y, style.contour_width))
        outlines.at(x, y) = layer_of(info, style.color[value],
                                     outline_alpha(style.color[value].a));
    }
  if (style.feather > 0 && !style.cover_all) {
    Pixels faded(width, height);
    const double reach = (style.feather + 1) / 2;
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++)
        faded.at(x, y) = average(&areas, x, y, reach, reach);
    areas = faded;
  }
  if (style.mode != PaintMode::kContour || style.cover_all)
    blend(info, frame, &areas);
  if (style.mode == PaintMode::kCutout && info.alpha >= 0)
    cut(info, frame, &areas);
  if (style.mode == PaintMode::kContour ||
      (style.mode == PaintMode::kBlend && style.contours))
    if (!style.cover_all) blend(info, frame, &outlines);
}

void paint_image(const FrameInfo &info, const Frame &frame,
                 const PaintImage &image) {
  Pixels pixels(info.width, info.height);
  for (int y = 0; y < image.height; y++)
    for (int x = 0; x < image.width; x++) {
      const int fx = image.x + x, fy = image.y + y;
      if (fx < 0 || fy < 0 || fx >= info.width || fy >= info.height) continue;
      const uint8_t *p =
          image.rgba + int64_t{y} * image.stride + int64_t{x} * 4;
      if (p[3] == 0) continue;
      // Convert premultiplied R, G and B in double: the offset takes the
      // opacity.
      Layer &layer = pixels.at(fx, fy);
      const ColorTransform t = invert(info.to_rgb, info.components);
      layer.a = p[3] / 255.;
      for (int c = 0; c < info.components; c++) {
        double value = t.offset[c] * layer.a;
        for (int i = 0; i < 3; i++) value += t.matrix[c][i] * p[i] / 255.;
        layer.c[c] = std::clamp(value, 0., layer.a) * 255;
      }
    }
  blend(info, frame, &pixels);
}

}  // namespace fastscnn::reference
