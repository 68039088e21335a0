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
  int64_t filters = 0, kernel = 1, stride = 1, padding = 0, dilation = 1;
  bool residual = false;
  Activation activation = Activation::kNone;

  int64_t out_height() const;
  int64_t out_width() const;
  std::string name() const;  ///< all of the above; unique
};

/// What a plan reads and writes; 16-byte aligned, of the device.
struct ConvolutionData {
  const void *src;
  const void *weight;
  const void *bias;
  const void *residual;  // null without one
  void *dst;
  void *workspace;  // of at least ConvolutionPlan::workspace_bytes()
};

/// cuDNN's way to compute a Convolution.
class ConvolutionPlan {
 public:
  struct Impl;
  explicit ConvolutionPlan(std::unique_ptr<Impl> impl);
  ConvolutionPlan(ConvolutionPlan &&) noexcept;
  ConvolutionPlan &operator=(ConvolutionPlan &&) noexcept;
  ~ConvolutionPlan();

  int64_t workspace_bytes() const;
  int64_t engine() const;            ///< cuDNN's number of the kind of kernel
  Result<std::string> json() const;  ///< for Cudnn::load; with machine code

 private:
  friend class Cudnn;
  std::unique_ptr<Impl> impl_;
};

/// The backend API of cuDNN, opened at run time. Belongs to the context that
/// was current when it was made; one thread at a time.
class Cudnn {
 public:
  /// An Error says what is missing.
  static Result<std::unique_ptr<Cudnn>> create();

  /// Builds plans for a device that is not there: cuDNN's JSON description of
  /// it. Nothing can be run.
  static Result<std::unique_ptr<Cudnn>> create_for(const std::string &device);

  /// 91900 is 9.19.0; an Error if no usable cuDNN is installed.
  static Result<size_t> version();

  ~Cudnn();

  /// Shows plans to visit, in the order of cuDNN's expectation, until it
  /// returns false; slow. Plans that accumulate halves in less than float,
  /// or floats from less than floats, are left out. True if there was one.
  Result<bool> plan(const Convolution &convolution,
                    const std::function<bool(ConvolutionPlan)> &visit) const;

  /// The plan that json() came from.
  Result<ConvolutionPlan> load(const std::string &json) const;

  /// Queues; may be captured into a graph once it has run outside of one.
  Result<> run(const ConvolutionPlan &plan, const ConvolutionData &data,
               cudaStream_t stream) const;

 private:
  struct Impl;
  explicit Cudnn(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fastscnn::cuda
