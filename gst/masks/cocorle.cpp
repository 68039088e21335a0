// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/masks/cocorle.h"

namespace fastscnn
{

// Groups of 5 bits, lowest first, signed, each plus '0'; bit 5 says that
// another follows. From the fourth run on, the difference to the last run of
// the same kind is written.
void
CocoRle::append (Region &region, int64_t run)
{
  int64_t value = region.written > 2 ? run - region.previous[1] : run;
  bool more = true;

  while (more) {
    int group = static_cast<int> (value & 31);
    value >>= 5;
    more = value != (group & 16 ? -1 : 0);
    region.counts.push_back (static_cast<char> ('0' + group + (more ? 32 : 0)));
  }
  region.previous[1] = region.previous[0];
  region.previous[0] = run;
  region.written++;
}

void
CocoRle::add_run (int id, int64_t begin, int64_t end)
{
  append (regions_[id], begin - regions_[id].end);
  append (regions_[id], end - begin);
  regions_[id].end = end;
}

void
CocoRle::encode (const uint8_t *ids, int stride, int width, int height)
{
  const int64_t pixels = static_cast<int64_t> (width) * height;
  int64_t at = 0, begin = 0;
  uint8_t id = ids[0];

  for (Region &region : regions_) {
    region.counts.clear ();
    region.end = region.written = 0;
  }
  // Neighbouring columns share cache lines, so a column need not be copied.
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
  for (Region &region : regions_) {
    if (region.written > 0 && region.end < pixels)
      append (region, pixels - region.end);
  }
}

} // namespace fastscnn
