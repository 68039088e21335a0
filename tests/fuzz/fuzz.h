/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What each fuzzer defines: libFuzzer calls it with whatever it thinks of,
 * replay.c with the files of the corpus. Returns 0; findings end the process.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* GStreamer for those that need it, without its messages. */
void fuzz_init_gst(void);

#ifdef __cplusplus
}
#endif
