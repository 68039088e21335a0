/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The entry point of each fuzzer. libFuzzer calls it with generated inputs,
 * replay.c with the files of the corpus and changes of them. Returns 0;
 * findings end the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Initialises GStreamer once, without plugins and messages. */
void fuzz_init_gst(void);

#ifdef __cplusplus
}
#endif
