// SPDX-License-Identifier: LGPL-2.1-or-later
// Fuzzes the overlay's properties classes (first line) and class-alpha (second
// line) with the labels of the mask (all other lines).
#include <glib.h>

#include <cmath>
#include <sstream>

#include "gst/overlay/classlist.h"
#include "tests/fuzz/fuzz.h"

using namespace fastscnn;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::istringstream lines(
      std::string(reinterpret_cast<const char *>(data), size));
  std::string classes, class_alpha;
  Labels labels;
  std::getline(lines, classes);
  std::getline(lines, class_alpha);
  for (std::string label; std::getline(lines, label);) labels.push_back(label);

  std::vector<std::string> warnings;
  const std::vector<bool> drawn = parse_classes(classes, labels, &warnings);
  const std::vector<float> strengths =
      parse_class_alpha(class_alpha, labels, &warnings);
  g_assert_cmpuint(drawn.size(), ==, labels.size());
  g_assert_cmpuint(strengths.size(), ==, labels.size());
  for (float strength : strengths)
    g_assert_true(strength == -1 || (strength >= 0 && strength <= 1));
  for (const std::string &warning : warnings)
    g_assert_true(g_str_has_suffix(warning.c_str(), ".") &&
                  g_utf8_validate(warning.c_str(), -1, nullptr));

  // Classes of the same name get the same result.
  for (size_t a = 0; a < labels.size(); a++)
    for (size_t b = 0; b < a && b < 16; b++)
      if (same_label(labels[a], labels[b])) {
        g_assert_true(drawn[a] == drawn[b]);
        g_assert_true(strengths[a] == strengths[b]);
      }
  return 0;
}
