// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/check/gstharness.h>
#include <gst/classmask/classmask.h>
#include <gst/video/video.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

/// Elements and pipelines under test, and frames and masks for them.
namespace fastscnn::testing {

/// A buffer that is unreferenced at the end of a scope.
class OwnedBuffer {
 public:
  explicit OwnedBuffer(GstBuffer *buffer) : buffer_(buffer) {}
  ~OwnedBuffer() { gst_clear_buffer(&buffer_); }
  OwnedBuffer(const OwnedBuffer &) = delete;
  OwnedBuffer &operator=(OwnedBuffer &&other) {
    std::swap(buffer_, other.buffer_);
    return *this;
  }

  operator GstBuffer *() const { return buffer_; }
  GstBuffer *get() const { return buffer_; }

 private:
  GstBuffer *buffer_;
};

/// An element or a pipeline from a launch line, and its bus.
struct Element {
  explicit Element(const std::string &line);
  ~Element();
  Element(const Element &) = delete;
  Element &operator=(const Element &) = delete;

  /// Sets the element to PAUSED; false if that fails at once.
  bool starts() const;

  GstMessage *pop_message(GstMessageType type) const;
  bool has_message(GstMessageType type) const;
  /// The text of the next error or warning, or "".
  std::string take_text(GstMessageType type) const;

  GstElement *element;
  GstBus *bus;
};

/// A playing element between two pads.
struct Harness : Element {
  /// caps: as in set_caps(), or none yet.
  explicit Harness(const std::string &line, const std::string &caps = "");
  ~Harness();

  void set_caps(const std::string &caps);
  /// Pushes a frame and pulls a buffer.
  OwnedBuffer push(GstBuffer *frame) const;
  void flush() const;

  GstHarness *harness;
  GstVideoInfo info;  ///< of the caps
};

/// Waits, at most ten seconds, for a condition.
void wait_until(const std::function<bool()> &condition);

/// video/x-raw caps of 25 frames per second.
std::string caps_of(const std::string &format, int width, int height,
                    const std::string &more = "");
GstVideoInfo info_of(const std::string &caps);

/// A frame whose bytes all have this value, or random ones if it is negative.
GstBuffer *make_frame(const std::string &caps, int value);

std::vector<uint8_t> bytes_of(GstBuffer *buffer);

/// The pixels of a mask, without row padding.
std::vector<uint8_t> pixels_of(GstBuffer *mask);

/// The classes of masks that attach() attaches: road, sky, car, person.
extern const char *const kLabels[4];
extern const guint32 kColors[4];

/// A mask in which columns [x0, x1) are of one class and the others unknown.
std::vector<uint8_t> make_ids(int width, int height, int id, int x0, int x1);

/// Attaches a mask that covers this rectangle. source: the element that made
/// it.
void attach(GstBuffer *buffer, const std::vector<uint8_t> &ids, int width,
            int height, int x, int y, int covers_width, int covers_height,
            const char *source = "test", GstClockTime age = 0);

}  // namespace fastscnn::testing
