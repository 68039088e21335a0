// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/cudnn.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "cuda/engine/descriptor.h"
#include "cuda/graph.h"

namespace fastscnn::cuda {
namespace {

enum Tensor : int64_t { kSrc = 1, kWeight, kBias, kResidual, kDst, kVirtual };

cudnnDataType_t data_type(Precision precision) {
  return precision == Precision::kHalf ? CUDNN_DATA_HALF : CUDNN_DATA_FLOAT;
}

/// A tensor (n, c, h, w) with the memory layout (n, h, w, pitch).
Descriptor make_tensor(int64_t id, int64_t n, int64_t c, int64_t h, int64_t w,
                       int64_t pitch, cudnnDataType_t type,
                       bool is_virtual = false) {
  const int64_t dimensions[] = {n, c, h, w};
  const int64_t strides[] = {h * w * pitch, 1, w * pitch, pitch};
  Descriptor t(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  t.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, id);
  t.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type);
  t.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, int64_t{16});
  t.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, dimensions, 4);
  t.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, strides, 4);
  t.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, is_virtual);
  t.finalize();
  return t;
}

/// The operations of a Convolution in order, connected by virtual tensors.
/// Keeps the descriptors alive that they refer to.
class OperationGraph {
 public:
  OperationGraph(const Convolution &c, cudnnHandle_t handle)
      : c_(c), graph_(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
    const bool active = c.activation != Activation::kNone;
    Descriptor y = result(false);
    convolve(y);
    y = add(std::move(y),
            make_tensor(kBias, 1, c.filters, 1, 1, c.filters, CUDNN_DATA_FLOAT),
            !c.residual && !active);
    if (c.residual)
      y = add(std::move(y),
              make_tensor(kResidual, 1, c.filters, c.out_height(),
                          c.out_width(), c.filters, data_type(c.precision)),
              !active);
    if (active) activate(y);
    keep(std::move(y));

    graph_.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations_);
    if (handle)
      graph_.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle);
    graph_.finalize();
  }

  const Descriptor &descriptor() const { return graph_; }

 private:
  Descriptor result(bool last) {
    return make_tensor(
        last ? int64_t{kDst} : next_virtual_++, 1, c_.filters, c_.out_height(),
        c_.out_width(), last ? c_.dst_pitch : c_.filters,
        last ? data_type(c_.precision) : CUDNN_DATA_FLOAT, !last);
  }

  void convolve(const Descriptor &y) {
    const int64_t stride[] = {c_.stride, c_.stride};
    const int64_t padding[] = {c_.padding, c_.padding};
    const int64_t post_padding[] = {c_.post_padding, c_.post_padding};
    const int64_t dilation[] = {c_.dilation, c_.dilation};
    Descriptor conv(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    conv.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, int64_t{2});
    conv.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE,
             CUDNN_DATA_FLOAT);
    conv.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE,
             CUDNN_CROSS_CORRELATION);
    conv.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, padding, 2);
    conv.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64,
             post_padding, 2);
    conv.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, dilation, 2);
    conv.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, stride,
             2);
    conv.finalize();

    const cudnnDataType_t type = data_type(c_.precision);
    Descriptor x = make_tensor(kSrc, 1, c_.channels, c_.height, c_.width,
                               c_.src_pitch, type);
    Descriptor w = make_tensor(kWeight, c_.filters, c_.channels, c_.kernel,
                               c_.kernel, c_.channels, type);
    Descriptor op(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, conv);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT,
           1.f);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT,
           0.f);
    op.finalize();
    operations_.push_back(std::move(op));
    keep(std::move(conv), std::move(x), std::move(w));
  }

  Descriptor add(Descriptor x, Descriptor b, bool last) {
    Descriptor mode(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    mode.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE,
             CUDNN_POINTWISE_ADD);
    Descriptor y = result(last);
    pointwise(std::move(mode), x, &b, y);
    keep(std::move(x), std::move(b));
    return y;
  }

  void activate(const Descriptor &x) {
    Descriptor mode(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    mode.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE,
             CUDNN_POINTWISE_RELU_FWD);
    if (c_.activation == Activation::kRelu6)
      mode.set(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_DOUBLE, 6.0);
    Descriptor y = result(true);
    pointwise(std::move(mode), x, nullptr, y);
    keep(std::move(y));
  }

  void pointwise(Descriptor mode, const Descriptor &x, const Descriptor *b,
                 const Descriptor &y) {
    mode.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE,
             CUDNN_DATA_FLOAT);
    mode.finalize();
    Descriptor op(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, mode);
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (b) op.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    op.finalize();
    operations_.push_back(std::move(op));
    keep(std::move(mode));
  }

  template <typename... D>
  void keep(D &&...descriptors) {
    (kept_.push_back(std::forward<D>(descriptors)), ...);
  }

  const Convolution c_;
  int64_t next_virtual_ = kVirtual;
  std::vector<Descriptor> kept_;
  std::vector<Descriptor> operations_;
  Descriptor graph_;
};

Result<std::string> read_string(const Descriptor &d,
                                cudnnBackendAttributeName_t name) {
  const int64_t size =
      FASTSCNN_TRY(d.get<char>(name, CUDNN_TYPE_CHAR, nullptr, 0));
  std::string text(size, '\0');
  FASTSCNN_TRY(d.get(name, CUDNN_TYPE_CHAR, text.data(), size));
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

/// The number of the engine of a configuration, and whether its results are
/// accurate and reproducible enough.
Result<std::pair<int64_t, bool>> query_engine(const Descriptor &configuration,
                                              Precision precision) {
  Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t raw = engine.get();
  FASTSCNN_TRY(configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, &raw, 1));
  int64_t number = -1;
  FASTSCNN_TRY(
      engine.get(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, &number, 1));
  cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
  const int64_t count = FASTSCNN_TRY(
      engine.get(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                 notes, CUDNN_NUMERICAL_NOTE_TYPE_COUNT));
  bool exact = true;
  for (int64_t i = 0; i < count && i < CUDNN_NUMERICAL_NOTE_TYPE_COUNT; i++) {
    if (notes[i] == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION ||
        notes[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS ||
        notes[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC ||
        // Refuse TF32: it truncates fp32 inputs.
        (notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE &&
         precision == Precision::kFloat))
      exact = false;
  }
  return std::pair(number, exact);
}

}  // namespace

int64_t Convolution::out_height() const {
  return (height + padding + post_padding - dilation * (kernel - 1) - 1) /
             stride +
         1;
}

int64_t Convolution::out_width() const {
  return (width + padding + post_padding - dilation * (kernel - 1) - 1) /
             stride +
         1;
}

std::string Convolution::name() const {
  auto n = [](int64_t v) { return std::to_string(v); };
  return std::string(precision == Precision::kHalf ? "f16" : "f32") + " " +
         n(channels) + "x" + n(height) + "x" + n(width) + " to " + n(filters) +
         ", " + n(kernel) + "x" + n(kernel) + " stride " + n(stride) +
         " padding " + n(padding) +
         (post_padding == padding ? "" : "+" + n(post_padding)) + " dilation " +
         n(dilation) + (src_pitch == channels ? "" : " from " + n(src_pitch)) +
         (dst_pitch == filters ? "" : " into " + n(dst_pitch)) +
         (residual ? " + residual" : "") +
         (activation == Activation::kRelu6  ? ", relu6"
          : activation == Activation::kRelu ? ", relu"
                                            : "");
}

struct ConvolutionPlan::Impl {
  std::shared_ptr<const OperationGraph> graph;  // null if loaded from JSON
  Descriptor plan;
  int64_t engine = -1;
  int64_t workspace = 0;
};

ConvolutionPlan::ConvolutionPlan(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
ConvolutionPlan::ConvolutionPlan(ConvolutionPlan &&) noexcept = default;
ConvolutionPlan &ConvolutionPlan::operator=(ConvolutionPlan &&) noexcept =
    default;
ConvolutionPlan::~ConvolutionPlan() = default;

int64_t ConvolutionPlan::workspace_bytes() const { return impl_->workspace; }
int64_t ConvolutionPlan::engine() const { return impl_->engine; }
Result<std::string> ConvolutionPlan::json() const {
  return read_string(impl_->plan,
                     CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
}

struct Cudnn::Impl {
  cudnnHandle_t handle = nullptr;      // of the current device
  std::unique_ptr<Descriptor> device;  // or a description of an absent one

  ~Impl() {
    if (!handle) return;
    // cudnnDestroy() waits for the context.
    const std::lock_guard<std::mutex> lock(capture_mutex());
    library().destroy(handle);
  }

  Result<std::vector<Descriptor>> configurations(
      const Descriptor &graph, cudnnBackendHeurMode_t mode) const {
    Descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
    if (device) heuristic.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *device);
    heuristic.finalize();
    int64_t count = FASTSCNN_TRY(heuristic.get<cudnnBackendDescriptor_t>(
        CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, nullptr,
        0));
    std::vector<Descriptor> found;
    std::vector<cudnnBackendDescriptor_t> raw;
    for (int64_t i = 0; i < count; i++) {
      found.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      FASTSCNN_TRY(found.back().status());
      raw.push_back(found.back().get());
    }
    count = FASTSCNN_TRY(heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                       CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                       raw.data(), count));
    found.erase(found.begin() + std::min<int64_t>(count, found.size()),
                found.end());
    return found;
  }

  void set_device(Descriptor *plan) const {
    if (device)
      plan->set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *device);
    else
      plan->set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, handle);
  }

  Result<std::unique_ptr<ConvolutionPlan::Impl>> finish(Descriptor plan) const {
    plan.finalize();
    int64_t workspace = 0;
    FASTSCNN_TRY(plan.get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                          CUDNN_TYPE_INT64, &workspace, 1));
    return std::unique_ptr<ConvolutionPlan::Impl>(
        new ConvolutionPlan::Impl{nullptr, std::move(plan), -1, workspace});
  }
};

Cudnn::Cudnn(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cudnn::~Cudnn() = default;

Result<size_t> Cudnn::version() {
  FASTSCNN_TRY(opened_library());
  return library().get_version();
}

Result<std::unique_ptr<Cudnn>> Cudnn::create() {
  FASTSCNN_TRY(opened_library());
  auto impl = std::make_unique<Impl>();
  // cudnnCreate() allocates, which would break a capture in another thread.
  const std::lock_guard<std::mutex> lock(capture_mutex());
  TRY_CUDNN(library().create(&impl->handle));
  return std::unique_ptr<Cudnn>(new Cudnn(std::move(impl)));
}

Result<std::unique_ptr<Cudnn>> Cudnn::create_for(const std::string &device) {
  FASTSCNN_TRY(opened_library());
  auto impl = std::make_unique<Impl>();
  impl->device =
      std::make_unique<Descriptor>(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  impl->device->set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                    device.data(), device.size());
  impl->device->finalize();
  FASTSCNN_TRY(impl->device->status());
  return std::unique_ptr<Cudnn>(new Cudnn(std::move(impl)));
}

Result<bool> Cudnn::plan(
    const Convolution &convolution, int per_heuristic,
    const std::function<bool(ConvolutionPlan)> &visit) const {
  auto graph =
      std::make_shared<const OperationGraph>(convolution, impl_->handle);
  FASTSCNN_TRY(graph->descriptor().status());
  bool any = false;
  // Mode B of cuDNN 9.19 proposes the plans of mode A, in the same order.
  for (cudnnBackendHeurMode_t mode :
       {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    const auto configurations =
        impl_->configurations(graph->descriptor(), mode);
    if (!configurations) continue;  // the other mode may work
    int made_here = 0;
    for (const Descriptor &configuration : *configurations) {
      const auto engine = query_engine(configuration, convolution.precision);
      if (!engine || !engine->second) continue;
      Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      impl_->set_device(&plan);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
      auto made = impl_->finish(std::move(plan));
      if (!made)
        continue;  // heuristics propose plans that do not work everywhere
      (*made)->engine = engine->first;
      (*made)->graph = graph;
      any = true;
      if (!visit(ConvolutionPlan(std::move(*made)))) return true;
      if (++made_here == per_heuristic) break;
    }
  }
  return any;
}

Result<ConvolutionPlan> Cudnn::load(const std::string &json) const {
  Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  impl_->set_device(&plan);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
           json.data(), json.size());
  auto made = FASTSCNN_TRY(impl_->finish(std::move(plan)));
  return ConvolutionPlan(std::move(made));
}

Result<> Cudnn::run(const ConvolutionPlan &plan, const ConvolutionData &data,
                    cudaStream_t stream) const {
  std::vector<int64_t> ids = {kSrc, kWeight, kBias, kDst};
  std::vector<const void *> pointers = {data.src, data.weight, data.bias,
                                        data.dst};
  if (data.residual) {
    ids.push_back(kResidual);
    pointers.push_back(data.residual);
  }
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, ids.data(),
           ids.size());
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
           pointers.data(), pointers.size());
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR,
           data.workspace);
  pack.finalize();
  FASTSCNN_TRY(pack.status());
  TRY_CUDNN(library().set_stream(impl_->handle, stream));
  TRY_CUDNN(
      library().execute(impl_->handle, plan.impl_->plan.get(), pack.get()));
  return {};
}

}  // namespace fastscnn::cuda
