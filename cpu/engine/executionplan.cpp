// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/executionplan.h"

#include <algorithm>

#include "cpu/engine/pooling.h"
#include "cpu/simd.h"
#include "net/arena.h"
#include "net/taps.h"

namespace fastscnn {
namespace {

// Multiply-adds per task. 2e6 in floats take some 40 microseconds: long enough
// to make the cost of dispatch negligible, short enough for threads to finish
// together.
constexpr double kMaxTaskCost = 2e6;
constexpr double kMinTaskCost = 0.25e6;

// Bytes of scratch memory per task that stay in a core's cache.
constexpr size_t kMaxScratch = 256 << 10;

bool is_pointwise(const Layer &l) {
  return l.op == Op::kConv && l.kernel == 1 && !l.depthwise();
}

class Planner {
 public:
  Planner(const std::vector<Layer> &layers, const std::vector<Shape> &shapes,
          int image_height, bool align_corners, size_t element_size,
          int threads)
      : layers_(layers),
        shapes_(shapes),
        image_height_(image_height),
        align_corners_(align_corners),
        element_size_(element_size),
        threads_(threads),
        readers_(layers.size()),
        concat_of_(layers.size(), kNoLayer) {}

  ExecutionPlan make() {
    find_readers();
    make_steps();
    make_fusion_groups();
    choose_tiles();
    list_tasks();
    place_tensors();
    find_dependencies();
    return std::move(plan_);
  }

 private:
  struct Range {
    int layer;
    int begin, end;  // rows
  };

  using Step = ExecutionPlan::Step;
  using Task = ExecutionPlan::Task;
  using TensorLayout = ExecutionPlan::TensorLayout;

  void find_readers();
  void make_steps();
  void make_fusion_groups();
  void choose_tiles();
  void list_tasks();
  void emit(int step);
  void place_tensors();
  void choose_layout(int layer);
  void find_dependencies();

  bool is_skip_branch(int layer) const;
  bool joins_step(const Step &step, int layer) const;
  int sole_reader(int layer) const;
  int height(int step) const {
    return shapes_[plan_.steps[step].last()].height;
  }
  size_t elements(int step) const;
  double row_cost(const Step &step) const;
  size_t scratch(const Step &step, int rows) const;
  Range input_rows(int layer, int begin, int end) const;
  std::vector<Range> reads(const Task &task) const;
  std::vector<int> writers(int layer) const;  // steps
  int logits() const { return static_cast<int>(layers_.size()) - 1; }
  size_t size_of(int layer) const {  // bytes of an element
    return layer == logits() ? sizeof(float) : element_size_;
  }
  bool is_fused_with_next(int step) const;
  int line_buffer_rows(int step) const;
  Interval lifetime(int layer) const;

  const std::vector<Layer> &layers_;
  const std::vector<Shape> &shapes_;
  const int image_height_;
  const bool align_corners_;
  const size_t element_size_;
  const int threads_;
  std::vector<std::vector<int>> readers_;   // layers that read each layer
  std::vector<int> concat_of_;              // concat that each layer is part of
  std::vector<int> step_of_;                // step that stores a layer, or -1
  std::vector<int> emitted_;                // rows of each step that have tasks
  std::vector<std::vector<int>> tasks_of_;  // tasks of each step
  ExecutionPlan plan_;
};

void Planner::find_readers() {
  for (size_t i = 0; i < layers_.size(); i++) {
    for (int input : layers_[i].inputs) {
      if (input != kImage) readers_[input].push_back(i);
      if (layers_[i].op == Op::kConcat) concat_of_[input] = i;
    }
    if (layers_[i].residual != kNoLayer)
      readers_[layers_[i].residual].push_back(i);
  }
}

int Planner::sole_reader(int layer) const {
  return readers_[layer].size() == 1 ? readers_[layer][0] : kNoLayer;
}

bool Planner::is_skip_branch(int layer) const {
  const int reader = sole_reader(layer);
  return is_pointwise(layers_[layer]) && reader != kNoLayer &&
         layers_[reader].residual == layer && is_pointwise(layers_[reader]);
}

/// A pointwise convolution joins the step of its input, unless it increases the
/// number of channels: then storing its input takes less memory.
bool Planner::joins_step(const Step &step, int layer) const {
  const Layer &last = layers_[step.last()];
  return is_pointwise(layers_[layer]) && sole_reader(step.last()) == layer &&
         step.skip == kNoLayer &&
         (last.depthwise() || layers_[layer].channels <= last.channels);
}

void Planner::make_steps() {
  std::vector<Step> &steps = plan_.steps;
  for (size_t i = 0; i < layers_.size(); i++) {
    const Layer &l = layers_[i];
    if (l.op == Op::kConcat || is_skip_branch(i)) continue;
    auto before = std::find_if(steps.begin(), steps.end(), [&](const Step &s) {
      return s.last() == l.inputs[0];
    });
    const bool joins = before != steps.end() && joins_step(*before, i);
    if (joins)
      before->pointwise.push_back(i);
    else
      before = steps.insert(steps.end(), Step{int(i), {}});
    if (l.residual != kNoLayer && is_skip_branch(l.residual))
      before->skip = l.residual;
  }
  // Sorted by their outputs, all steps follow those whose outputs they read.
  std::sort(steps.begin(), steps.end(),
            [](const Step &a, const Step &b) { return a.last() < b.last(); });
  step_of_.assign(layers_.size(), -1);
  for (size_t s = 0; s < steps.size(); s++) step_of_[steps[s].last()] = s;
}

size_t Planner::elements(int step) const {
  const int layer = plan_.steps[step].last();
  return row_elements(layers_[layer], shapes_[layer]) * shapes_[layer].height;
}

/// Fuses a step with the next one if that is the only reader of its output and
/// does not make it larger: both advance together, row tile by row tile, and a
/// line buffer holds the rows between them.
void Planner::make_fusion_groups() {
  int group = 0;
  for (size_t s = 0; s < plan_.steps.size(); s++) {
    plan_.steps[s].group = group;
    const int reader = sole_reader(plan_.steps[s].last());
    const bool together = s + 1 < plan_.steps.size() && reader != kNoLayer &&
                          plan_.steps[s + 1].first == reader &&
                          elements(s) >= elements(s + 1);
    if (!together) group++;
  }
}

double Planner::row_cost(const Step &step) const {
  auto cost = [this](int layer) {
    const Layer &l = layers_[layer];
    const double outputs = double(shapes_[layer].width) * l.channels;
    if (l.op != Op::kConv) return outputs * 8;
    const int channels = input_channels(layers_, layer) / l.groups;
    return outputs * channels * l.kernel * l.kernel;
  };
  double sum = cost(step.first);
  for (int layer : step.pointwise) sum += cost(layer);
  if (step.skip != kNoLayer) sum += cost(step.skip);
  return sum;
}

size_t Planner::scratch(const Step &step, int rows) const {
  const Layer &first = layers_[step.first];
  const int source = first.inputs[0];
  size_t n = 0;
  if (first.op == Op::kUpsample)  // bytes are interpolated to 16 bits
    n += scratch_bytes(std::max<size_t>(element_size_, 2) *
                       row_elements(layers_[source], shapes_[source]));
  if (first.op == Op::kConv && !first.depthwise() && first.kernel > 1 &&
      source != kImage)
    n += scratch_bytes(element_size_ * (rows + 2) *
                       (shapes_[source].width + 2) * shapes_[source].channels);
  auto result = [&](int layer) {
    return scratch_bytes(size_of(layer) * rows *
                         row_elements(layers_[layer], shapes_[layer]));
  };
  const bool planar = step.last() == logits();
  if (!step.pointwise.empty() || planar) n += result(step.first);
  for (int layer : step.pointwise)
    if (layer != step.last() || planar) n += result(layer);
  return n;
}

void Planner::choose_tiles() {
  for (size_t s = 0; s < plan_.steps.size(); s++) {
    Step &step = plan_.steps[s];
    const double cost = row_cost(step);
    const double goal = std::clamp(height(s) * cost / (4 * threads_),
                                   kMinTaskCost, kMaxTaskCost);
    step.tile_rows = std::clamp(static_cast<int>(goal / cost), 1, height(s));
    while (step.tile_rows > 1 && scratch(step, step.tile_rows) > kMaxScratch)
      step.tile_rows--;
    plan_.scratch = std::max(plan_.scratch, scratch(step, step.tile_rows));
  }
}

Planner::Range Planner::input_rows(int layer, int begin, int end) const {
  const Layer &l = layers_[layer];
  const int input = l.inputs[0];
  const int rows = input == kImage ? image_height_ : shapes_[input].height;
  switch (l.op) {
    case Op::kConv: {
      const int reach = l.dilation * (l.kernel - 1) + 1;
      return {input, std::max(0, begin * l.stride - l.padding),
              std::min(rows, (end - 1) * l.stride - l.padding + reach)};
    }
    case Op::kPool:
      return {input, bin_begin(begin, rows, l.bins),
              bin_end(end - 1, rows, l.bins)};
    case Op::kUpsample: {
      const std::vector<Tap> taps =
          resize_taps(rows, shapes_[layer].height, align_corners_);
      return {input, taps[begin].first, taps[end - 1].second + 1};
    }
    case Op::kConcat:
      break;
  }
  return {input, begin, end};
}

std::vector<Planner::Range> Planner::reads(const Task &task) const {
  const Step &step = plan_.steps[task.step];
  std::vector<Range> all = {input_rows(step.first, task.begin, task.end)};
  auto residual = [&](int layer) {
    const int r = layers_[layer].residual;
    if (r != kNoLayer && r != step.skip)
      all.push_back({r, task.begin, task.end});
  };
  residual(step.first);
  for (int layer : step.pointwise) residual(layer);
  if (step.skip != kNoLayer)
    all.push_back(input_rows(step.skip, task.begin, task.end));
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const Range &r) { return r.layer == kImage; }),
            all.end());
  return all;
}

std::vector<int> Planner::writers(int layer) const {
  if (layers_[layer].op != Op::kConcat) return {step_of_[layer]};
  std::vector<int> all;
  for (int input : layers_[layer].inputs)
    for (int step : writers(input)) all.push_back(step);
  return all;
}

/// Appends the next task of a step, after the tasks of its fusion group that it
/// depends on and one more for each thread, so that threads rarely wait.
void Planner::emit(int step) {
  const int begin = emitted_[step];
  const int end = std::min(height(step), begin + plan_.steps[step].tile_rows);
  const Task task{step, begin, end};
  for (const Range &r : reads(task))
    for (int writer : writers(r.layer)) {
      if (plan_.steps[writer].group != plan_.steps[step].group) continue;
      const int ahead = r.end + threads_ * plan_.steps[writer].tile_rows;
      while (emitted_[writer] < std::min(height(writer), ahead)) emit(writer);
    }
  tasks_of_[step].push_back(plan_.tasks.size());
  plan_.tasks.push_back(task);
  emitted_[step] = end;
}

void Planner::list_tasks() {
  const int steps = plan_.steps.size();
  emitted_.assign(steps, 0);
  tasks_of_.resize(steps);
  for (int s = 0; s < steps; s++) {
    while (!is_fused_with_next(s) && emitted_[s] < height(s)) emit(s);
  }
}

/// If true, the next step is the only reader of this one's output.
bool Planner::is_fused_with_next(int step) const {
  return step + 1 < int(plan_.steps.size()) &&
         plan_.steps[step + 1].group == plan_.steps[step].group;
}

/// Rows in the line buffer of a step that is fused with the next one: a task
/// only overwrites rows whose last reader comes at least 2 * threads tasks
/// earlier, so that it rarely waits.
int Planner::line_buffer_rows(int step) const {
  const int tile_rows = plan_.steps[step].tile_rows;
  int rows = 0;
  for (int writing : tasks_of_[step]) {
    int oldest = plan_.tasks[writing].begin;
    for (int reading : tasks_of_[step + 1])
      if (reading > writing - 2 * threads_)
        oldest = std::min(oldest, reads(plan_.tasks[reading])[0].begin);
    rows = std::max(rows, plan_.tasks[writing].end - oldest);
  }
  return std::min<int>(round_up(rows, tile_rows), height(step));
}

/// Chooses everything but the offset.
void Planner::choose_layout(int layer) {
  const Layer &l = layers_[layer];
  const Shape &shape = shapes_[layer];
  TensorLayout &p = plan_.layouts[layer];
  p.stored = true;
  p.rows = shape.height;
  p.pixel_stride = round_up(l.channels, kChannelBlock);
  p.row_stride = row_elements(l, shape);
  if (layer == logits()) {
    // Kernels may read a whole vector from the last pixel of a class on.
    p.pixel_stride = round_up(shape.width, kCacheLine) + kCacheLine;
    p.row_stride = p.pixel_stride * l.channels;
  } else if (l.op != Op::kConcat && is_fused_with_next(step_of_[layer])) {
    p.rows = line_buffer_rows(step_of_[layer]);
  }
}

/// The first and last fusion group that writes or reads a layer or, if it is a
/// concat, one of its parts. Groups are numbered in the order of execution.
Interval Planner::lifetime(int layer) const {
  const TensorLayout &p = plan_.layouts[layer];
  const int last = plan_.steps.back().group;
  Interval life = {size_of(layer) * p.rows * p.row_stride, last, 0};
  auto extend = [&](int step) {
    const int group = plan_.steps[step].group;
    life.first = std::min(life.first, group);
    life.last = std::max(life.last, group);
  };
  for (int writer : writers(layer)) extend(writer);
  for (size_t s = 0; s < plan_.steps.size(); s++)
    for (const Range &r : reads({int(s), 0, height(s)}))
      if (r.layer == layer || concat_of_[r.layer] == layer) extend(s);
  return life;
}

void Planner::place_tensors() {
  plan_.layouts.resize(layers_.size());
  std::vector<Interval> intervals;
  std::vector<int> owners;
  for (size_t i = 0; i < layers_.size(); i++)
    if (layers_[i].op == Op::kConcat || step_of_[i] >= 0) choose_layout(i);
  for (size_t i = 0; i < layers_.size(); i++)
    if (plan_.layouts[i].stored && concat_of_[i] == kNoLayer) {
      intervals.push_back(lifetime(i));
      owners.push_back(i);
    }
  // The gap keeps groups that run at the same time from sharing memory.
  plan_.arena = place_in_arena(&intervals, kCacheLineBytes, 1);
  for (size_t i = 0; i < intervals.size(); i++)
    plan_.layouts[owners[i]].offset = intervals[i].offset;

  // The inputs of a concat are channels of its own tensor.
  for (size_t i = 0; i < layers_.size(); i++) {
    if (layers_[i].op != Op::kConcat) continue;
    TensorLayout part = plan_.layouts[i];
    for (int input : layers_[i].inputs) {
      plan_.layouts[input] = part;
      part.offset += element_size_ * layers_[input].channels;
    }
  }
}

void Planner::find_dependencies() {
  plan_.dependencies.resize(plan_.tasks.size());
  std::vector<int> group_begin;  // first task of every group
  for (size_t t = 0; t < plan_.tasks.size(); t++)
    if (plan_.steps[plan_.tasks[t].step].group == int(group_begin.size()))
      group_begin.push_back(t);

  for (size_t t = 0; t < plan_.tasks.size(); t++) {
    const Task &task = plan_.tasks[t];
    const Step &step = plan_.steps[task.step];
    TaskGraph::Task &waits = plan_.dependencies[t];
    if (step.group > 0) waits.barrier = group_begin[step.group - 1];

    for (const Range &r : reads(task))
      for (int writer : writers(r.layer))
        for (int w : tasks_of_[writer])
          if (plan_.tasks[w].begin < r.end && r.begin < plan_.tasks[w].end &&
              w >= waits.barrier)
            waits.dependencies.push_back(w);

    // Rows of a line buffer must be read before they are overwritten.
    const TensorLayout &p = plan_.layouts[step.last()];
    if (p.rows < height(task.step))
      for (int reader : tasks_of_[task.step + 1]) {
        const Range r = reads(plan_.tasks[reader])[0];
        if (reader < int(t) && r.begin < task.end - p.rows &&
            task.begin - p.rows < r.end)
          waits.dependencies.push_back(reader);
      }
  }
}

}  // namespace

size_t row_elements(const Layer &layer, const Shape &shape) {
  return round_up(layer.channels, kChannelBlock) * shape.width;
}

ExecutionPlan make_execution_plan(const std::vector<Layer> &layers,
                                  const std::vector<Shape> &shapes,
                                  int image_height, bool align_corners,
                                  size_t element_size, int threads) {
  return Planner(layers, shapes, image_height, align_corners, element_size,
                 threads)
      .make();
}

}  // namespace fastscnn
