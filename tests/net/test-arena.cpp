// SPDX-License-Identifier: LGPL-2.1-or-later
// Blocks of an arena share memory only when their lifetimes allow it.
#include <glib.h>

#include "net/arena.h"
#include "tests/support/reference.h"

using namespace fastscnn;

namespace {

void test_no_overlap() {
  reference::Lcg lcg(21);
  for (int round = 0; round < 400; round++) {
    const size_t alignment = round % 2 ? 256 : 1;
    const int gap = lcg.between(0, 2);
    std::vector<Interval> intervals(lcg.between(1, 40));
    for (Interval &i : intervals) {
      i.size = lcg.between(1, 100000);
      i.first = lcg.between(0, 30);
      i.last = i.first + lcg.between(0, 6);
    }
    const size_t total = place_in_arena(&intervals, alignment, gap);
    g_assert_cmpuint(total % alignment, ==, 0);
    for (const Interval &a : intervals) {
      g_assert_cmpuint(a.offset % alignment, ==, 0);
      g_assert_cmpuint(a.offset + a.size, <=, total);
      for (const Interval &b : intervals)
        if (&a != &b && a.offset < b.offset + b.size &&
            b.offset < a.offset + a.size)
          g_assert_true(a.first > b.last + gap || b.first > a.last + gap);
    }
  }
}

/// A chain needs two blocks, or three if a step must lie between two uses.
void test_reuse() {
  std::vector<Interval> chain;
  for (int step = 0; step < 10; step++) chain.push_back({100, step, step + 1});
  g_assert_cmpuint(place_in_arena(&chain, 64), ==, 2 * 128);
  g_assert_cmpuint(chain[0].offset, ==, chain[2].offset);
  g_assert_cmpuint(place_in_arena(&chain, 1), ==, 2 * 100);
  g_assert_cmpuint(place_in_arena(&chain, 1, 1), ==, 3 * 100);
}

/// A small block goes into the lowest hole that a larger one left.
void test_lowest_hole() {
  std::vector<Interval> intervals = {
      {30, 0, 1}, {20, 0, 3}, {10, 2, 3}, {15, 2, 3}};
  g_assert_cmpuint(place_in_arena(&intervals, 1), ==, 50);
  g_assert_cmpuint(intervals[3].offset, ==, 0);
  g_assert_cmpuint(intervals[2].offset, ==, 15);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/arena/no-overlap", test_no_overlap);
  g_test_add_func("/arena/reuse", test_reuse);
  g_test_add_func("/arena/lowest-hole", test_lowest_hole);
  return g_test_run();
}
