// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/error.h"
#include "net/fastscnn.h"

namespace fastscnn::cuda {

enum class Precision { kHalf, kFloat };

/// A dense convolution + bias (+ residual) (+ activation) over (1, H, W, C);
/// filters are (K, kernel, kernel, C), the bias is float.
struct Convolution {
  Precision precision = Precision::kHalf;
  int64_t channels = 0, height = 0, width = 0;
  int64_t filters = 0, kernel = 1, stride = 1, dilation = 1;
  int64_t padding = 0;       ///< above and left
  int64_t post_padding = 0;  ///< below and right
  int64_t src_pitch = 0;     ///< channels from a pixel of src to the next
  int64_t dst_pitch = 0;     ///< the same for dst
  bool residual = false;
  Activation activation = Activation::kNone;

  int64_t out_height() const;
  int64_t out_width() const;
  std::string name() const;  ///< encodes all the above; the key in a PlanCache
};

/// The device memory that a plan reads and writes, aligned to 16 bytes.
struct ConvolutionData {
  const void *src;
  const void *weight;
  const void *bias;
  const void *residual;  // (nullable)
  void *dst;
  void *workspace;  // ConvolutionPlan::workspace_bytes() or more
};

/// An execution plan of cuDNN for a Convolution.
class ConvolutionPlan {
 public:
  struct Impl;
  explicit ConvolutionPlan(std::unique_ptr<Impl> impl);
  ConvolutionPlan(ConvolutionPlan &&) noexcept;
  ConvolutionPlan &operator=(ConvolutionPlan &&) noexcept;
  ~ConvolutionPlan();

  int64_t workspace_bytes() const;
  int64_t engine() const;            ///< cuDNN's number of the kernel family
  Result<std::string> json() const;  ///< for Cudnn::load(); has machine code

 private:
  friend class Cudnn;
  std::unique_ptr<Impl> impl_;
};

/// A handle of cuDNN, in the context that was current when it was created. Not
/// thread-safe.
class Cudnn {
 public:
  /// The Error says what is missing.
  static Result<std::unique_ptr<Cudnn>> create();

  /// For building plans without running them. device: cuDNN's JSON description
  /// of a device, which need not be present.
  static Result<std::unique_ptr<Cudnn>> create_for(const std::string &device);

  /// 91900 means 9.19.0. An Error if no usable cuDNN is installed.
  static Result<size_t> version();

  ~Cudnn();

  /// Calls visit with one plan after the other until it returns false; slow.
  /// Takes at most per_heuristic plans from each of cuDNN's heuristics, which
  /// list those first that they expect to be fastest. Skips plans that
  /// accumulate in less than fp32, truncate fp32 inputs, or are not
  /// reproducible. Returns whether there was a plan.
  Result<bool> plan(const Convolution &convolution, int per_heuristic,
                    const std::function<bool(ConvolutionPlan)> &visit) const;

  /// Restores a plan from its json().
  Result<ConvolutionPlan> load(const std::string &json) const;

  /// Queues a plan. A graph may capture it if it has run before.
  Result<> run(const ConvolutionPlan &plan, const ConvolutionData &data,
               cudaStream_t stream) const;

 private:
  struct Impl;
  explicit Cudnn(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fastscnn::cuda
