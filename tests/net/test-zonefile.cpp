// SPDX-License-Identifier: LGPL-2.1-or-later
// Zone files are read exactly; every mistake gives an error that names the file
// and the zone.
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "net/zonefile.h"
#include "tests/support/must.h"

using namespace fastscnn;

namespace {

void test_valid() {
  const auto polygons =
      must(parse_zones("{\"gate\": [[0.1, 0.5], [0.4, 0.5], [0.4, 1]],"
                       " \"lanes\": [[[0, 0], [1, 0], [1, 1]], [[0, 0], [0, "
                       "1], [1, 1], [0, 0]]]}",
                       "z"));
  g_assert_cmpuint(polygons.size(), ==, 3);
  g_assert_cmpstr(polygons[0].zone.c_str(), ==, "gate");
  g_assert_true(polygons[0].points ==
                (std::vector<double>{0.1, 0.5, 0.4, 0.5, 0.4, 1}));
  g_assert_cmpstr(polygons[1].zone.c_str(), ==, "lanes");
  g_assert_cmpstr(polygons[2].zone.c_str(), ==, "lanes");
  g_assert_cmpuint(polygons[2].points.size(), ==, 8);
}

void refuse(const std::string &text, const char *words) {
  const auto parsed = parse_zones(text, "my zones.json");
  g_assert_false(parsed.has_value());
  const char *sentence = parsed.error().sentence.c_str();
  if (!std::strstr(sentence, words) ||
      !g_str_has_prefix(sentence,
                        "The zones in \"my zones.json\" cannot be used: ") ||
      !g_str_has_suffix(sentence, ".") || std::strchr(sentence, '\n'))
    g_error("expected \"%s\" in \"%s\"", words, sentence);
}

void test_refused() {
  refuse("", "the file is not valid JSON");
  refuse("{\"a\": [[0, 0], [1, 0]", "the file is not valid JSON");
  refuse("[]", "not an object of names and polygons");
  refuse("{}", "not an object of names and polygons");
  refuse("{\"a\": [[0,0],[1,0],[1,1]], \"a\": 1}", "\"a\" twice");
  refuse("{\"\": [[0,0],[1,0],[1,1]]}", "a zone has an empty name");
  refuse("{\"a\": 1}", "zone \"a\" has no polygon");
  refuse("{\"a\": []}", "zone \"a\" has no polygon");
  refuse("{\"a\": [1]}", "zone \"a\" has 1 where a polygon should be");
  refuse("{\"a\": [[0,0],[1,1]]}", "zone \"a\" has a polygon of 2 points");
  refuse("{\"a\": [[]]}", "zone \"a\" has a polygon of 0 points");
  refuse("{\"a\": [[0,0],[1,1],[0,2]]}",
         "zone \"a\" has the point [0,2], which is not [x, y]");
  refuse("{\"a\": [[0,0],[1,1],[-0.1,0]]}", "the point [-0.1,0]");
  refuse("{\"a\": [[0,0],[1,1],[0,0,0]]}", "the point [0,0,0]");
  refuse("{\"a\": [[0,0],[1,1],[0,\"1\"]]}", "the point [0,\"1\"]");
  refuse("{\"a\": [[0,0],[1,1],3]}", "the point 3");
  std::string many = "{";
  for (size_t i = 0; i <= kMaxZones; i++)
    many += (i ? ",\"" : "\"") + std::to_string(i) + "\": [[0,0],[1,0],[1,1]]";
  refuse(many + "}", "there are 33; up to 32 are possible");
}

void test_file() {
  g_autofree gchar *dir = g_dir_make_tmp("zones-XXXXXX", nullptr);
  g_autofree gchar *path = g_build_filename(dir, "zones.json", nullptr);
  const auto refused = [&path](const char *words) {
    const auto read = read_zone_file(path);
    g_assert_false(read.has_value());
    g_assert_nonnull(std::strstr(read.error().sentence.c_str(), path));
    g_assert_nonnull(std::strstr(read.error().sentence.c_str(), words));
  };
  refused("it is not a readable file");
  g_assert_cmpint(mkfifo(path, 0600), ==, 0);  // without a writer
  refused("it is not a readable file");
  g_unlink(path);
  g_assert_true(g_file_set_contents(
      path, "{\"gate\": [[0, 0], [1, 0], [1, 1]]}", -1, nullptr));
  g_assert_cmpuint(must(read_zone_file(path)).size(), ==, 1);
  g_assert_cmpint(truncate(path, 2 << 20), ==, 0);
  refused("it is larger than 1 MB");
  g_unlink(path);
  g_rmdir(dir);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/zonefile/valid", test_valid);
  g_test_add_func("/zonefile/refused", test_refused);
  g_test_add_func("/zonefile/file", test_file);
  return g_test_run();
}
