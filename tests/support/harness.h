// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/check/gstharness.h>
#include <gst/classmask/classmask.h>
#include <gst/video/video.h>

#include <cstdint>
#include <string>
#include <vector>

/// What tests of the element classmaskoverlay put in and look at.
namespace fastscnn::stage {

constexpr int kClasses = 4;
extern const char *const kLabels[kClasses];  // road, sky, car, person
extern const guint32 kColors[kClasses];      // 0xRRGGBB

std::string caps_of(const std::string &format, int width, int height,
                    const std::string &more = "");

/// classmaskoverlay, set as in a launch line, with caps and a bus.
class Overlay {
 public:
  Overlay(const std::string &properties, const std::string &caps);
  ~Overlay();
  Overlay(const Overlay &) = delete;
  Overlay &operator=(const Overlay &) = delete;

  GstHarness *harness() { return harness_; }
  GstElement *element() { return element_; }

  GstBuffer *push(GstBuffer *buffer);

  /// The text of the next message of this type, or "".
  std::string take_message(GstMessageType type);

 private:
  GstElement *element_;
  GstHarness *harness_;
  GstBus *bus_;
};

/// All bytes of one value; or, below 0, random ones.
GstBuffer *make_frame(const std::string &caps, int value);

/// Every pixel in columns [x0, x1) is of class id, others are unknown.
std::vector<uint8_t> make_ids(int width, int height, int id, int x0, int x1);

/// The mask covers the rectangle; source: the element that made it.
void attach(GstBuffer *buffer, const std::vector<uint8_t> &ids, int width,
            int height, int x, int y, int covers_width, int covers_height,
            const char *source = "test", GstClockTime age = 0);

std::vector<uint8_t> bytes_of(GstBuffer *buffer);

}  // namespace fastscnn::stage
