// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/fakemodule.h"
#include "tests/support/harness.h"

/// The element fastscnn with fake engines.
namespace fastscnn::testing {

constexpr int kClasses = 8;  // of the model; class5 is also called fifth

/// A folder that is removed when the program ends.
const std::string &scratch_folder();

/// A model of kClasses classes; written on first use.
const std::string &model_path();

/// Installs these fake engines ("cpu", "cuda") and no others. Returns the
/// folder.
std::string install_engines(const std::vector<std::string> &names);

/// Controls an installed engine.
FakeControl &control_of(const std::string &name);
/// Resets it at the beginning of a test.
FakeControl &reset_control(const std::string &name = "cpu");

/// The launch line of a fastscnn with the model above.
std::string fastscnn_line(const std::string &properties);

/// A fastscnn with the model above.
struct Stream : Harness {
  explicit Stream(const std::string &properties = "",
                  const std::string &caps = "");

  /// Frame `number`, in the format of the caps and at 25 per second. paint:
  /// returns the grey value of pixel (x, y).
  GstBuffer *make_frame(int number,
                        const std::function<uint8_t(int, int)> &paint) const;
  GstBuffer *make_frame(int number, uint8_t grey = 0) const;

  GstStructure *stats() const;
  guint64 stat(const char *name) const;
};

/// The class of the centre of a frame.
int class_in_centre(GstBuffer *frame);

}  // namespace fastscnn::testing
