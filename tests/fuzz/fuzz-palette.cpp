// SPDX-License-Identifier: LGPL-2.1-or-later
// Palette files are refused with one line of text, or give every class a
// colour.
#include <glib.h>

#include "gst/overlay/palette.h"
#include "tests/fuzz/fuzz.h"

using namespace fastscnn;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const Labels labels = {"road", "traffic light", "person", ""};
  std::vector<ClassColor> colors(labels.size());
  const std::string text(reinterpret_cast<const char *>(data), size);
  const Result<Palette> palette = Palette::parse("fuzz", text);
  if (palette) {
    palette->apply(labels, &colors);
    g_assert_cmpuint(colors.size(), ==, labels.size());
    for (const ClassColor &c : colors)
      g_assert_true(c.has_alpha || c.color.a == 255 || c.color.a == 0);
  } else {
    const std::string &sentence = palette.error().sentence;
    g_assert_true(g_utf8_validate(sentence.c_str(), -1, nullptr));
    g_assert_true(sentence.find('\n') == std::string::npos);
    g_assert_cmpuint(sentence.size(), <, 300);
  }
  return 0;
}
