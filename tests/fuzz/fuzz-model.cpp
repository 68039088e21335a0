// SPDX-License-Identifier: LGPL-2.1-or-later
// Model files: any bytes result in a model or an Error.
#include "net/error.h"
#include "net/metadata.h"
#include "net/model.h"
#include "net/safetensors.h"
#include "tests/fuzz/fuzz.h"

using namespace fastscnn;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // Parse the parts separately: a fuzzer cannot make a whole model of 2 MB, and
  // Model::parse() stops at the first missing tensor.
  if (const auto file = Safetensors::parse(data, size)) {
    for (const auto &[name, tensor] : file->tensors) (void)tensor.floats();
    (void)read_model_info(file->metadata);
  }
  (void)Model::parse(data, size, "fuzz");
  return 0;
}
