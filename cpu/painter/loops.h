/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cstdint>

namespace fastscnn {

/* Plain loops along a row, compiled a second time for processors with longer
 * vectors. keep and color are entries as PaintLayout says; what is written
 * overlaps nothing that is read. */

/// Mixes paint into samples that lie side by side.
void mix_bytes(uint8_t *samples, int count, const uint16_t *keep,
               const uint16_t *color);

/// The same for every other byte.
void mix_every_other(uint8_t *samples, int count, const uint16_t *keep,
                     const uint16_t *color);

/// The mean of two rows; of three, with c, of which b counts twice.
void average_rows(const uint16_t *a, const uint16_t *b, const uint16_t *c,
                  int count, uint16_t *out);

/// The means of `taps` neighbours: 1; 2, of every other pixel on; or 3 of
/// those, of which the middle one counts twice. With a second colour, results
/// are those of both in turn.
void average_columns(int taps, const uint16_t *keep, const uint16_t *first,
                     const uint16_t *second, int count, uint16_t *keep_out,
                     uint16_t *color_out);

/// Of something at two neighbouring cells.
struct Ends {
  float left, right;
};

/// Replaces samples that lie `step` bytes apart by a premultiplied colour, as
/// strong as `strength`. weight: of the right end, for each sample.
void replace_samples(uint8_t *samples, int step, int count, const float *weight,
                     Ends strength, Ends color);

}  // namespace fastscnn
