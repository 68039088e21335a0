// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/masks/cocorle.h"

namespace fastscnn
{

// A run is written as signed groups of 5 bits, lowest first, each plus '0'; bit
// 5 is set if another group follows. From the fourth run on, the difference to
// the last run of the same kind is written.
void
CocoRle::append (Class &encoded, int64_t run)
{
  int64_t value = encoded.written > 2 ? run - encoded.previous[1] : run;
  bool more = true;

  while (more) {
    int group = static_cast<int> (value & 31);
    value >>= 5;
    more = value != (group & 16 ? -1 : 0);
    encoded.counts.push_back (
        static_cast<char> ('0' + group + (more ? 32 : 0)));
  }
  encoded.previous[1] = encoded.previous[0];
  encoded.previous[0] = run;
  encoded.written++;
}

void
CocoRle::add_run (int id, int64_t begin, int64_t end)
{
  append (classes_[id], begin - classes_[id].end);
  append (classes_[id], end - begin);
  classes_[id].end = end;
}

void
CocoRle::encode (const uint8_t *ids, int stride, int width, int height)
{
  const int64_t pixels = static_cast<int64_t> (width) * height;
  int64_t at = 0, begin = 0;
  uint8_t id = ids[0];

  for (Class &encoded : classes_) {
    encoded.counts.clear ();
    encoded.end = encoded.written = 0;
  }
  // Neighbouring columns share cache lines, so walking down them is cheap.
  for (int x = 0; x < width; x++) {
    const uint8_t *pixel = ids + x;
    for (int y = 0; y < height; y++, at++, pixel += stride) {
      if (*pixel == id)
        continue;
      add_run (id, begin, at);
      begin = at;
      id = *pixel;
    }
  }
  add_run (id, begin, at);
  for (Class &encoded : classes_) {
    if (encoded.written > 0 && encoded.end < pixels)
      append (encoded, pixels - encoded.end);
  }
}

} // namespace fastscnn
