// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "gst/overlay/classlist.h"
#include "gst/masks/distinctcolors.h"
#include "gst/overlay/palette.h"
#include "net/error.h"
#include "tests/support/must.h"

using namespace fastscnn;

namespace {

const Labels kLabels = {"road", "traffic light", "person"};

/// The colours of a palette file with this text, or the error.
std::string load(const std::string &text, std::vector<ClassColor> *colors) {
  gchar *file = nullptr;
  const gint fd = g_file_open_tmp("palette-XXXXXX", &file, nullptr);
  g_assert_cmpint(fd, >=, 0);
  g_close(fd, nullptr);
  g_assert_true(g_file_set_contents(file, text.data(),
                                    static_cast<gssize>(text.size()), nullptr));
  colors->assign(kLabels.size(), {{9, 9, 9, 255}, false});
  const Result<Palette> palette = Palette::load(file);
  if (palette) palette->apply(kLabels, colors);
  g_unlink(file);
  g_free(file);
  return palette ? "" : palette.error().sentence;
}

void expect(const ClassColor &found, int r, int g, int b, int a,
            bool has_alpha) {
  g_assert_cmpint(found.color.r, ==, r);
  g_assert_cmpint(found.color.g, ==, g);
  g_assert_cmpint(found.color.b, ==, b);
  g_assert_cmpint(found.color.a, ==, a);
  g_assert_cmpint(found.has_alpha, ==, has_alpha);
}

void test_text() {
  std::vector<ClassColor> colors;
  g_assert_true(load("# a comment\r\n\r\nTraffic_Light 1 2 3\r\n"
                     "\"road\"\t4 5 6 77",
                     &colors)
                    .empty());
  expect(colors[0], 4, 5, 6, 77, true);
  expect(colors[1], 1, 2, 3, 255, false);
  expect(colors[2], 9, 9, 9, 255, false);  // the mask's own
  load("traffic light 1 2 3\n", &colors);
  expect(colors[1], 1, 2, 3, 255, false);
}

void test_gimp() {
  std::vector<ClassColor> colors;
  g_assert_true(load("GIMP Palette\nName: Mine\nColumns: 3\n#\n"
                     "  1   2   3\tperson\n4 5 6\n",
                     &colors)
                    .empty());
  expect(colors[2], 1, 2, 3, 255, false);
  expect(colors[0], 9, 9, 9, 255, false);
  // No name matches: colours are assigned in order.
  load("GIMP Palette\n1 2 3 Untitled\n4 5 6 Untitled\n", &colors);
  expect(colors[0], 1, 2, 3, 255, false);
  expect(colors[1], 4, 5, 6, 255, false);
  expect(colors[2], 9, 9, 9, 255, false);
}

void test_malformed() {
  const struct {
    const char *text, *says;
  } cases[] = {
      {"road 1 2 3\nperson 1 2\n", "line 2"},
      {"road 1 2 3 4 5\n", "line 1"},
      {"road 1 2 256\n", "\"256\""},
      {"road 1 2 -3\n", "line 1"},
      {"road 1 2 9999999999999999999\n", "line 1"},
      {"\n\n\"road 1 2 3\n", "line 3"},
      {"1 2 3\n", "line 1"},
      {"GIMP Palette\n1 2\n", "line 2"},
      {"GIMP Palette\n1 2 x name\n", "\"x\""},
      {"# nothing\n", "contains no colours"},
      {"", "contains no colours"},
      {"\x89PNG\r\n\x1a\n", "line 1"},
      {"\f\n", "line 1"},
  };
  for (const auto &c : cases) {
    std::vector<ClassColor> colors;
    const std::string error = load(c.text, &colors);
    if (!strstr(error.c_str(), c.says))
      g_error("\"%s\" gives \"%s\", not \"%s\"", c.text, error.c_str(), c.says);
    g_assert_true(g_utf8_validate(error.c_str(), -1, nullptr));
  }
  gchar *folder = g_dir_make_tmp("palette-XXXXXX", nullptr);
  const std::string large = std::string(folder) + "/large";
  const std::string pipe = std::string(folder) + "/pipe";
  g_assert_cmpint(mkfifo(pipe.c_str(), 0600), ==, 0);
  const std::string text(1 << 21, '#');
  g_assert_true(
      g_file_set_contents(large.c_str(), text.data(), text.size(), nullptr));
  const struct {
    const char *name, *says;
  } files[] = {
      {"no-such-palette", "cityscapes"},
      {"no-\xff-palette", "cityscapes"},
      {folder, "cityscapes"},
      {"/dev/zero", "use a file"},
      {pipe.c_str(), "use a file"},  // without a writer
      {large.c_str(), "larger than 1 MB"},
  };
  for (const auto &file : files) {
    const Result<Palette> palette = Palette::load(file.name);
    g_assert_false(palette.has_value());
    const std::string &sentence = palette.error().sentence;
    g_assert_nonnull(strstr(sentence.c_str(), file.says));
    g_assert_true(g_utf8_validate(sentence.c_str(), -1, nullptr));
  }
  g_remove(pipe.c_str());
  g_remove(large.c_str());
  g_rmdir(folder);
  g_free(folder);
}

void test_named() {
  std::vector<ClassColor> colors(3);
  must(Palette::load("cityscapes")).apply(kLabels, &colors);
  expect(colors[0], 128, 64, 128, 255, false);
  expect(colors[1], 250, 170, 30, 255, false);
  must(Palette::load("camvid")).apply(kLabels, &colors);
  expect(colors[2], 64, 64, 0, 255, false);
}

int difference(Rgba a, Rgba b) {
  return std::abs(a.r - b.r) + std::abs(a.g - b.g) + std::abs(a.b - b.b);
}

/// Converts linear RGB to what is seen without red, green or blue cones.
/// Source: F. Vienot, H. Brettel, J. Mollon, Digital Video Colourmaps for
/// Checking the Legibility of Displays by Dichromats (1999), applied to blue as
/// well.
constexpr double kDichromats[3][3][3] = {
    {{0.11238, 0.88762, 0}, {0.11238, 0.88762, 0}, {0.00401, -0.00401, 1}},
    {{0.29275, 0.70725, 0}, {0.29275, 0.70725, 0}, {-0.02234, 0.02234, 1}},
    {{1, 0.1274, -0.1274}, {0, 0.8739, 0.1261}, {0, 0.8739, 0.1261}}};

std::array<double, 3> cielab(Rgba color, const double (*sees)[3]) {
  const auto linear = [](uint8_t byte) {
    const double v = byte / 255.;
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  const auto root = [](double t) {
    return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16. / 116;
  };
  const double in[3] = {linear(color.r), linear(color.g), linear(color.b)};
  double rgb[3];
  for (int i = 0; i < 3; i++)
    rgb[i] = std::max(
        0., sees[i][0] * in[0] + sees[i][1] * in[1] + sees[i][2] * in[2]);
  const double x =
      root((0.4124 * rgb[0] + 0.3576 * rgb[1] + 0.1805 * rgb[2]) / 0.9505);
  const double y = root(0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]);
  const double z =
      root((0.0193 * rgb[0] + 0.1192 * rgb[1] + 0.9505 * rgb[2]) / 1.089);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

/// The least distance in CIELAB for any dichromat; 2 is just noticeable.
double difference_for_dichromats(Rgba a, Rgba b) {
  double least = 1e9;
  for (const auto &sees : kDichromats) {
    const auto p = cielab(a, sees), q = cielab(b, sees);
    least = std::min(least, std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]));
  }
  return least;
}

std::vector<Rgba> distinct(size_t count) {
  std::vector<Rgba> colors;
  for (uint32_t rgb : distinct_colors(count)) colors.push_back(from_argb(rgb));
  return colors;
}

void test_distinct() {
  for (size_t count : {1u, 2u, 11u, 19u, 64u, 254u}) {
    const std::vector<Rgba> colors = distinct(count);
    g_assert_cmpuint(colors.size(), ==, count);
    std::set<int> seen;
    for (const Rgba &c : colors) seen.insert(c.r << 16 | c.g << 8 | c.b);
    g_assert_cmpuint(seen.size(), ==, count);
    for (size_t i = 1; i < count; i++) {
      g_assert_cmpint(difference(colors[i - 1], colors[i]), >, 60);
      g_assert_cmpfloat(difference_for_dichromats(colors[i - 1], colors[i]), >,
                        15);
    }
  }
  // All pairs of few classes are easy to tell apart.
  const std::vector<Rgba> few = distinct(11);
  for (size_t i = 0; i < few.size(); i++)
    for (size_t j = 0; j < i; j++) {
      g_assert_cmpint(difference(few[i], few[j]), >, 60);
      g_assert_cmpfloat(difference_for_dichromats(few[i], few[j]), >, 12);
    }
  // More classes do not change the colours of the first ones.
  const std::vector<Rgba> more = distinct(19);
  for (size_t i = 0; i < few.size(); i++)
    g_assert_cmpint(difference(few[i], more[i]), ==, 0);
}

void test_classes() {
  std::vector<std::string> warnings;
  const auto drawn = [&](const std::string &list) {
    std::string text;
    for (bool d : parse_classes(list, kLabels, &warnings))
      text += d ? 'x' : '.';
    return text;
  };
  g_assert_true(drawn("") == "xxx");
  g_assert_true(drawn(" road , Person ") == "x.x");
  g_assert_true(drawn("-road") == ".xx");
  g_assert_true(drawn("-traffic-light,-person") == "x..");
  g_assert_true(drawn("road,person,-person") == "x..");
  g_assert_true(drawn(",,") == "xxx");
  g_assert_true(warnings.empty());
  g_assert_true(drawn("road,rood") == "x..");
  g_assert_cmpuint(warnings.size(), ==, 1);
  g_assert_true(drawn("rood") == "...");
  g_assert_true(drawn("-rood") == "xxx");

  warnings.clear();
  drawn("\xff\xfe");
  parse_class_alpha("\xff=1,\xc3=2", kLabels, &warnings);
  g_assert_cmpuint(warnings.size(), ==, 3);
  for (const std::string &warning : warnings)
    g_assert_true(g_utf8_validate(warning.c_str(), -1, nullptr));

  warnings.clear();
  const auto strengths =
      parse_class_alpha("road=0.25, traffic light=1", kLabels, &warnings);
  g_assert_cmpfloat(strengths[0], ==, 0.25f);
  g_assert_cmpfloat(strengths[1], ==, 1.f);
  g_assert_cmpfloat(strengths[2], ==, -1.f);
  g_assert_true(warnings.empty());
  parse_class_alpha("road=2,road,=1,road=x,road=0.5x,boat=1,road=-1", kLabels,
                    &warnings);
  g_assert_cmpuint(warnings.size(), ==, 7);
}

/// Aliases mean the same as their labels.
void test_aliases() {
  ClassNames names(kLabels);
  names.aliases = {{"human", "person"}, {"Street", "road"}, {"way", "road"}};
  std::vector<std::string> warnings;
  const auto same = [&](const char *alias, const char *label) {
    return parse_classes(alias, names, &warnings) ==
               parse_classes(label, names, &warnings) &&
           warnings.empty();
  };
  g_assert_true(same("human", "person"));
  g_assert_true(same("-HUMAN, street", "-person,road"));
  g_assert_true(same("way,street", "road"));
  g_assert_false(same("human", "road"));
  const auto strengths = parse_class_alpha("human=0.5", names, &warnings);
  g_assert_cmpfloat(strengths[2], ==, 0.5f);
  g_assert_true(warnings.empty());
  parse_classes("humans", names, &warnings);
  g_assert_cmpstr(warnings[0].c_str(), ==,
                  "classes: there is no class \"humans\"; the mask has road "
                  "(Street, way), traffic light, person (human).");

  // An alias that is a label of another mask of the frame means both.
  names.labels.push_back("human");
  g_assert_true(parse_classes("human", names, &warnings) ==
                (std::vector<bool>{false, false, true, true}));

  // In palettes, labels take precedence over aliases.
  names = ClassNames(kLabels);
  names.aliases = {{"human", "person"}, {"way", "road"}};
  std::vector<ClassColor> colors(3);
  must(Palette::parse("f", "human 1 1 1\nway 2 2 2\nroad 3 3 3\nway 4 4 4\n"))
      .apply(names, &colors);
  g_assert_cmpint(colors[2].color.r, ==, 1);
  g_assert_cmpint(colors[0].color.r, ==, 3);
  g_assert_cmpint(colors[1].color.r, ==, 0);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/palette/text", test_text);
  g_test_add_func("/palette/gimp", test_gimp);
  g_test_add_func("/palette/malformed", test_malformed);
  g_test_add_func("/palette/named", test_named);
  g_test_add_func("/palette/distinct", test_distinct);
  g_test_add_func("/classlist/parse", test_classes);
  g_test_add_func("/classlist/aliases", test_aliases);
  return g_test_run();
}
