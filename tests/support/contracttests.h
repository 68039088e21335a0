// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "net/backend.h"
#include "net/painter.h"

/// Tests that every engine and every painter passes, on any device: they
/// compare it with the plain reference.
namespace fastscnn::testing {

/// Functions with which tests fill and read memory of one kind.
struct TestMemory {
  Memory kind;
  /// Allocates memory for exactly these bytes.
  std::shared_ptr<uint8_t> (*copy)(const std::vector<uint8_t> &bytes);
  std::vector<uint8_t> (*read)(const uint8_t *memory, size_t size);
};

extern const TestMemory kHostMemory;

/// How far masks may differ from those of the reference.
struct Tolerance {
  double margin;  ///< pixels whose two best logits are closer do not count
  double wrong;   ///< fraction of the other pixels that may have a wrong class
  double mean_confidence;  ///< mean difference of the confidences, out of 255
  int confidence;          ///< largest difference of the confidences
};

struct EngineDriver {
  const char *name;  ///< begins the names of the tests
  /// Engines of one model share its weights; called from several threads.
  std::unique_ptr<Engine> (*create)(std::shared_ptr<const Model> model,
                                    int threads);
  Tolerance random;   ///< for models with random weights
  Tolerance shipped;  ///< for the shipped model
  /// Frames and masks are tested in this memory, too; null: host memory only.
  const TestMemory *device = nullptr;
  Queue queue = {};  ///< of frames in device memory
  /// kInt8: models get activation scales, and the reference computes in 8 bits,
  /// too.
  Precision precision = Precision::kAuto;
};

struct PainterDriver {
  const char *name;
  std::unique_ptr<Painter> (*create)();
  /// Holds the frames; masks are tested in this and in host memory.
  const TestMemory *memory = &kHostMemory;
  Queue queue = {};
  /// Counts the allocations of this process; null: not counted.
  const size_t *allocations = nullptr;
};

/// Register the tests with GLib. A program may test several engines, but only
/// one painter.
void add_engine_tests(const EngineDriver &driver);
void add_painter_tests(const PainterDriver &driver);

}  // namespace fastscnn::testing
