// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/stats.h"

#include <algorithm>
#include <utility>

namespace fastscnn
{

using Lock = std::lock_guard<std::mutex>;

void
Stats::reset (const std::string &backend, const std::string &device)
{
  const Lock lock (mutex_);
  backend_ = backend;
  device_ = device;
  fused_blocks_.reset ();
  frames_ = inferred_ = reused_ = late_ = corrupted_ = total_ = 0;
}

void
Stats::set_backend (const std::string &backend, const std::string &device)
{
  const Lock lock (mutex_);
  backend_ = backend;
  device_ = device;
}

void
Stats::count_frame ()
{
  const Lock lock (mutex_);
  frames_++;
}

void
Stats::count_reused ()
{
  const Lock lock (mutex_);
  reused_++;
}

void
Stats::count_corrupted ()
{
  const Lock lock (mutex_);
  corrupted_++;
}

uint64_t
Stats::count_late ()
{
  const Lock lock (mutex_);
  return ++late_;
}

void
Stats::count_inference (
    GstClockTime time, std::shared_ptr<const std::string> fused_blocks)
{
  const Lock lock (mutex_);
  fused_blocks_ = std::move (fused_blocks);
  times_[inferred_ % kWindow] = time;
  total_ += time;
  inferred_++;
}

uint64_t
Stats::inferred () const
{
  const Lock lock (mutex_);
  return inferred_;
}

GstClockTime
Stats::p95 () const
{
  const Lock lock (mutex_);
  return p95_locked ();
}

GstClockTime
Stats::p95_locked () const
{
  const size_t count = std::min<uint64_t> (inferred_, kWindow);
  if (count == 0)
    return 0;
  auto times = times_;
  const auto nth = times.begin () + (count - 1) * 95 / 100;
  std::nth_element (times.begin (), nth, times.begin () + count);
  return *nth;
}

GstStructure *
Stats::to_structure () const
{
  const Lock lock (mutex_);
  const GstClockTime last = inferred_ ? times_[(inferred_ - 1) % kWindow] : 0;

  return gst_structure_new ("fastscnn-stats", "frames", G_TYPE_UINT64, frames_,
      "inferred", G_TYPE_UINT64, inferred_, "reused", G_TYPE_UINT64, reused_,
      "late", G_TYPE_UINT64, late_, "corrupted", G_TYPE_UINT64, corrupted_,
      "last-inference-time", G_TYPE_UINT64, last, "mean-inference-time",
      G_TYPE_UINT64, inferred_ ? total_ / inferred_ : 0, "p95-inference-time",
      G_TYPE_UINT64, p95_locked (), "backend", G_TYPE_STRING, backend_.c_str (),
      "device", G_TYPE_STRING, device_.c_str (), "fused-blocks", G_TYPE_STRING,
      fused_blocks_ ? fused_blocks_->c_str () : "", NULL);
}

} // namespace fastscnn
