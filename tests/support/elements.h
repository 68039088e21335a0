// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of the element have in common: a model, the fake engine,
// frames to push and masks to look at.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gst/check/gstharness.h>
#include <gst/classmask/gstclassmaskmeta.h>
#include <gst/video/video.h>

#include "tests/support/fakemodule.h"

namespace fastscnn::testing {

constexpr int kClasses = 8;

/// A folder that is gone when the program ends.
const std::string &scratch_folder();

/// A model of kClasses classes; written on first use.
const std::string &model_path();

/// Only these fake engines ("cpu", "cuda") are installed from now on. Returns
/// the folder.
std::string install_engines(const std::vector<std::string> &names);

/// The hand on an installed engine.
FakeControl &control_of(const std::string &name);

/// An element fastscnn with the model above and its pads, `properties` as in
/// a launch line.
struct Stream {
  explicit Stream(const std::string &properties = "");
  ~Stream();
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;

  /// video/x-raw with these fields.
  void set_caps(const std::string &fields);
  /// A frame of the caps, number `number` at 25 a second; every pixel given by
  /// paint: (x, y) to a grey value.
  GstBuffer *make_frame(int number,
                        const std::function<uint8_t(int, int)> &paint) const;
  GstBuffer *make_frame(int number, uint8_t grey = 0) const;
  /// Pushes and pulls.
  GstBuffer *send(GstBuffer *frame);

  GstStructure *stats() const;
  guint64 stat(const char *name) const;
  GstMessage *pop_message(GstMessageType type) const;
  bool has_message(GstMessageType type) const;

  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GstVideoInfo info;
};

/// The pixels of a mask, rows without gaps.
std::vector<uint8_t> pixels_of(GstBuffer *mask);

/// The class that the frame's mask gives to the middle of it.
int class_in_middle(GstBuffer *frame);

/// Waits, at most ten seconds, until it is so.
void wait_until(const std::function<bool()> &condition);

}  // namespace fastscnn::testing
