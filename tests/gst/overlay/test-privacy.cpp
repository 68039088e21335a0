// SPDX-License-Identifier: LGPL-2.1-or-later
/// People are unrecognisable behind blur and pixelate at any resolution:
/// template matching does not find them.
#include <glib.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "cpu/painter/painter.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"
#include "tests/support/paintreference.h"

using namespace fastscnn;
using reference::Lcg;

namespace {

constexpr int kPeople = 8;

struct Image {
  int width, height;
  std::vector<uint8_t> gray;

  Image(int w, int h) : width(w), height(h), gray(size_t(w) * h) {}
  uint8_t &at(int x, int y) { return gray[size_t(y) * width + x]; }
  const uint8_t &at(int x, int y) const { return gray[size_t(y) * width + x]; }
};

/// A person of size x 2 * size pixels with random features, in place of face,
/// eyes and clothes, of at least 1/12 of the width. which: selects the person.
Image make_person(int size, int which) {
  constexpr int kParts = 12;
  Image person(size, 2 * size);
  Lcg lcg(which * 2654435761u + 17);
  uint8_t parts[2 * kParts][kParts];
  for (auto &row : parts)
    for (uint8_t &part : row) part = static_cast<uint8_t>(lcg.bits());
  for (int y = 0; y < 2 * size; y++)
    for (int x = 0; x < size; x++)
      person.at(x, y) = parts[y * kParts / size][x * kParts / size];
  return person;
}

/// Correlation of a template with the part of an image that begins at (x0, y0).
double match(const Image &in, const Image &what, int x0, int y0) {
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
  for (int y = 0; y < what.height; y++)
    for (int x = 0; x < what.width; x++) {
      const double p = in.at(x0 + x, y0 + y), q = what.at(x, y);
      a += p;
      b += q;
      aa += p * p;
      bb += q * q;
      ab += p * q;
    }
  const double n = double(what.width) * what.height;
  const double variances = (aa - a * a / n) * (bb - b * b / n);
  return variances > 0 ? (ab - a * b / n) / std::sqrt(variances) : 0;
}

/// A frame with a person in the centre.
struct Scene {
  Image image;
  int x, y;  // of the person
  std::vector<uint8_t> ids;

  Scene(int width, int height, int which, int size)
      : image(width, height),
        x((width - size) / 2),
        y((height - 2 * size) / 2),
        ids(size_t(width) * height, 0) {
    const Image person = make_person(size, which);
    for (int py = 0; py < height; py++)
      for (int px = 0; px < width; px++)
        image.at(px, py) = static_cast<uint8_t>(90 + 60 * py / height);
    for (int py = 0; py < 2 * size; py++)
      for (int px = 0; px < size; px++) {
        image.at(x + px, y + py) = person.at(px, py);
        ids[size_t(y + py) * width + x + px] = 1;
      }
  }

  void paint(PaintMode mode) {
    Lcg lcg(1);
    auto frame = reference::make_frame("GRAY8", image.width, image.height, 0,
                                       false, lcg);
    frame.bytes = image.gray;
    Frame out;
    out.data[0] = frame.bytes.data();
    out.stride[0] = image.width;
    PaintMask mask;
    mask.ids = ids.data();
    mask.stride = mask.width = mask.covers_width = image.width;
    mask.height = mask.covers_height = image.height;
    PaintStyle style;
    style.mode = mode;
    style.color[1] = {0, 0, 0, 255};
    style.margin = 0.02f;
    auto painter = make_cpu_painter();
    must(painter->configure(frame.info));
    must(painter->paint(out, mask, style, Queue()));
    image.gray = frame.bytes;
  }
};

/// People of 1/10 to 1/3 of the frame height, in frames of 240 to 2160 rows:
/// the correlation of a person's template with the painted frame is below 0.5,
/// and below 0.35 on average (with the person itself it is 1).
void test_templates(gconstpointer data) {
  const auto mode = static_cast<PaintMode>(GPOINTER_TO_INT(data));
  const int sizes[][2] = {
      {320, 240}, {640, 360}, {1280, 720}, {1920, 1080}, {3840, 2160}};
  for (const auto &frame : sizes)
    for (int share : {20, 12, 6}) {  // frame height / half a person's height
      const int size = frame[1] / share;
      double sum = 0, most = 0;
      for (int which = 0; which < kPeople; which++) {
        Scene scene(frame[0], frame[1], which, size);
        const Image person = make_person(size, which);
        g_assert_cmpfloat(match(scene.image, person, scene.x, scene.y), >,
                          0.99);
        scene.paint(mode);
        const double found = match(scene.image, person, scene.x, scene.y);
        sum += std::fabs(found);
        most = std::max(most, std::fabs(found));
      }
      g_test_message("%dx%d, person of %d: %.2f, at most %.2f", frame[0],
                     frame[1], 2 * size, sum / kPeople, most);
      g_assert_cmpfloat(most, <, 0.5);
      g_assert_cmpfloat(sum / kPeople, <, 0.35);
    }
}

/// Fine structure is lost completely: two people who differ only in it become
/// the same image, within 4 of 255.
void test_nothing_fine_remains(gconstpointer data) {
  const auto mode = static_cast<PaintMode>(GPOINTER_TO_INT(data));
  for (int height : {240, 1080}) {
    const int width = height * 4 / 3;
    Scene plain(width, height, 0, height / 4);
    Scene fine = plain;
    for (int y = 0; y < 2 * (height / 4); y++)
      for (int x = 0; x < height / 4; x++) {
        uint8_t &p = plain.image.at(plain.x + x, plain.y + y);
        uint8_t &q = fine.image.at(plain.x + x, plain.y + y);
        p = 128;
        q = (x + y) % 2 ? 0 : 255;
      }
    plain.paint(mode);
    fine.paint(mode);
    for (size_t i = 0; i < plain.image.gray.size(); i++)
      g_assert_cmpint(std::abs(plain.image.gray[i] - fine.image.gray[i]), <=,
                      4);
  }
}

/// Every pixel within the margin is replaced, not blended.
void test_margin(gconstpointer data) {
  const auto mode = static_cast<PaintMode>(GPOINTER_TO_INT(data));
  constexpr int w = 640, h = 360;
  Lcg lcg(4);
  for (float margin : {0.f, 0.02f, 0.1f}) {
    auto frame = reference::make_frame("GRAY8", w, h, 0, false, lcg);
    // Black with single white pixels, whose traces would show.
    std::fill(frame.bytes.begin(), frame.bytes.end(), uint8_t{0});
    for (int y = 0; y < h; y += 7)
      for (int x = 0; x < w; x += 7) frame.bytes[size_t(y) * w + x] = 255;
    std::vector<uint8_t> ids(size_t(w) * h, 0);
    for (int y = 170; y < 190; y++)
      for (int x = 301; x < 333; x++) ids[size_t(y) * w + x] = 1;
    PaintMask mask;
    mask.ids = ids.data();
    mask.stride = mask.width = mask.covers_width = w;
    mask.height = mask.covers_height = h;
    PaintStyle style;
    style.mode = mode;
    style.color[1] = {0, 0, 0, 1};
    style.margin = margin;
    const auto grown = reference::grown_region(ids, w, h, style);
    Frame out;
    out.data[0] = frame.bytes.data();
    out.stride[0] = w;
    auto painter = make_cpu_painter();
    must(painter->configure(frame.info));
    must(painter->paint(out, mask, style, Queue()));
    size_t replaced = 0;
    for (size_t i = 0; i < grown.size(); i++) {
      if (!grown[i]) continue;
      replaced++;
      g_assert_cmpint(frame.bytes[i], <, 30);
    }
    const int reach = static_cast<int>(std::ceil(margin * h));
    g_assert_cmpuint(replaced, ==, (32 + 2 * reach) * (20 + 2 * reach));
    // Pixels far away do not change.
    g_assert_cmpint(frame.bytes[0], ==, 255);
  }
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  const struct {
    const char *name;
    PaintMode mode;
  } modes[] = {{"blur", PaintMode::kBlur}, {"pixelate", PaintMode::kPixelate}};
  const struct {
    const char *name;
    GTestDataFunc test;
  } tests[] = {{"templates", test_templates},
               {"nothing-fine-remains", test_nothing_fine_remains},
               {"margin", test_margin}};
  for (const auto &mode : modes)
    for (const auto &test : tests) {
      gchar *path = g_strdup_printf("/privacy/%s/%s", mode.name, test.name);
      g_test_add_data_func(path, GINT_TO_POINTER(static_cast<int>(mode.mode)),
                           test.test);
      g_free(path);
    }
  return g_test_run();
}
