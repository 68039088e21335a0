// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include <gst/gst.h>

namespace fastscnn
{

/// Statistics since the element was started. Thread-safe.
class Stats
{
public:
  /// Sets everything to zero.
  void reset (const std::string &backend, const std::string &device);
  void set_backend (const std::string &backend, const std::string &device);

  void count_frame ();
  void count_reused ();
  /// A frame that cannot be accessed.
  void count_corrupted ();
  /// Returns the new total.
  uint64_t count_late ();
  /// fused_blocks: Engine::fused_blocks().
  void count_inference (
      GstClockTime time, std::shared_ptr<const std::string> fused_blocks);

  uint64_t inferred () const;
  /// The 95th percentile of the last kWindow inference times.
  GstClockTime p95 () const;

  /// The value of the property `stats`. (transfer full)
  GstStructure *to_structure () const;

private:
  static constexpr size_t kWindow = 128;

  GstClockTime p95_locked () const;

  mutable std::mutex mutex_;
  std::string backend_;
  std::string device_;
  std::shared_ptr<const std::string> fused_blocks_; // null: none yet
  uint64_t frames_ = 0;
  uint64_t inferred_ = 0;
  uint64_t reused_ = 0;
  uint64_t late_ = 0;
  uint64_t corrupted_ = 0;
  GstClockTime total_ = 0;
  std::array<GstClockTime, kWindow> times_;
};

} // namespace fastscnn
