// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/executionplan.h"

#include <algorithm>

#include "net/arena.h"
#include "cpu/alignedbuffer.h"
#include "cpu/engine/pooling.h"
#include "cpu/simd.h"
#include "net/taps.h"

namespace fastscnn {
namespace {

// Multiply-adds of a task: some 40 microseconds, which makes handing it out
// cheap and waiting for the last one short; and the fewest that are worth it.
constexpr double kTaskCost = 2e6;
constexpr double kLeastCost = 0.25e6;

// Floats that a task may keep beside it, so that they stay in a core's cache.
constexpr size_t kScratchGoal = 64 << 10;

bool pointwise(const Layer &l) {
  return l.op == Op::kConv && l.kernel == 1 && !l.depthwise();
}

class Planner {
 public:
  Planner(const std::vector<Layer> &layers, const std::vector<Shape> &shapes,
          int image_height, bool align_corners, int threads)
      : layers_(layers),
        shapes_(shapes),
        image_height_(image_height),
        align_corners_(align_corners),
        threads_(threads),
        readers_(layers.size()),
        whole_(layers.size(), kNoLayer) {}

  Plan make() {
    find_readers();
    make_steps();
    make_groups();
    choose_bands();
    order_tasks();
    place();
    order_by_data();
    return std::move(plan_);
  }

 private:
  struct Range {
    int layer;
    int begin, end;  // rows
  };

  using Step = Plan::Step;
  using Task = Plan::Task;
  using Place = Plan::Place;

  void find_readers();
  void make_steps();
  void make_groups();
  void choose_bands();
  void order_tasks();
  void emit(int step);
  void place();
  void lay_out(int layer);
  void order_by_data();

  bool is_aside(int layer) const;
  bool joins_step(const Step &step, int layer) const;
  int sole_reader(int layer) const;
  int height(int step) const {
    return shapes_[plan_.steps[step].last()].height;
  }
  size_t floats(int step) const;
  double row_cost(const Step &step) const;
  size_t scratch(const Step &step, int rows) const;
  Range input_rows(int layer, int begin, int end) const;
  std::vector<Range> reads(const Task &task) const;
  std::vector<int> writers(int layer) const;  // steps
  int logits() const { return static_cast<int>(layers_.size()) - 1; }
  bool follows_closely(int step) const;
  int ring_rows(int step) const;
  Interval lifetime(int layer) const;

  const std::vector<Layer> &layers_;
  const std::vector<Shape> &shapes_;
  const int image_height_;
  const bool align_corners_;
  const int threads_;
  std::vector<std::vector<int>> readers_;   // of every layer, layers
  std::vector<int> whole_;                  // concatenation of a layer
  std::vector<int> step_of_;                // that stores a layer, or -1
  std::vector<int> emitted_;                // rows of every step
  std::vector<std::vector<int>> tasks_of_;  // every step
  Plan plan_;
};

void Planner::find_readers() {
  for (size_t i = 0; i < layers_.size(); i++) {
    for (int input : layers_[i].inputs) {
      if (input != kImage) readers_[input].push_back(i);
      if (layers_[i].op == Op::kConcat) whole_[input] = i;
    }
    if (layers_[i].residual != kNoLayer)
      readers_[layers_[i].residual].push_back(i);
  }
}

int Planner::sole_reader(int layer) const {
  return readers_[layer].size() == 1 ? readers_[layer][0] : kNoLayer;
}

bool Planner::is_aside(int layer) const {
  const int reader = sole_reader(layer);
  return pointwise(layers_[layer]) && reader != kNoLayer &&
         layers_[reader].residual == layer && pointwise(layers_[reader]);
}

/// A pointwise convolution joins the step of its input, unless it makes more
/// of it than was there: that is better stored as late as possible.
bool Planner::joins_step(const Step &step, int layer) const {
  const Layer &last = layers_[step.last()];
  return pointwise(layers_[layer]) && sole_reader(step.last()) == layer &&
         step.aside == kNoLayer &&
         (last.depthwise() || layers_[layer].channels <= last.channels);
}

void Planner::make_steps() {
  std::vector<Step> &steps = plan_.steps;
  for (size_t i = 0; i < layers_.size(); i++) {
    const Layer &l = layers_[i];
    if (l.op == Op::kConcat || is_aside(i)) continue;
    auto before = std::find_if(steps.begin(), steps.end(), [&](const Step &s) {
      return s.last() == l.inputs[0];
    });
    const bool joins = before != steps.end() && joins_step(*before, i);
    if (joins)
      before->then.push_back(i);
    else
      before = steps.insert(steps.end(), Step{int(i), {}});
    if (l.residual != kNoLayer && is_aside(l.residual))
      before->aside = l.residual;
  }
  // All that a layer reads is computed before it, if not with it.
  std::sort(steps.begin(), steps.end(),
            [](const Step &a, const Step &b) { return a.last() < b.last(); });
  step_of_.assign(layers_.size(), -1);
  for (size_t s = 0; s < steps.size(); s++) step_of_[steps[s].last()] = s;
}

size_t Planner::floats(int step) const {
  const int layer = plan_.steps[step].last();
  return row_floats(layers_[layer], shapes_[layer]) * shapes_[layer].height;
}

/// A result that is at least as large as what becomes of it is not completed
/// before the next step begins: the two advance together.
void Planner::make_groups() {
  int group = 0;
  for (size_t s = 0; s < plan_.steps.size(); s++) {
    plan_.steps[s].group = group;
    const int reader = sole_reader(plan_.steps[s].last());
    const bool together = s + 1 < plan_.steps.size() && reader != kNoLayer &&
                          plan_.steps[s + 1].first == reader &&
                          floats(s) >= floats(s + 1);
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
  for (int layer : step.then) sum += cost(layer);
  if (step.aside != kNoLayer) sum += cost(step.aside);
  return sum;
}

size_t Planner::scratch(const Step &step, int rows) const {
  const Layer &first = layers_[step.first];
  const int source = first.inputs[0];
  size_t n = 0;
  if (first.op == Op::kUpsample)
    n += row_floats(layers_[source], shapes_[source]);
  if (first.op == Op::kConv && !first.depthwise() && first.kernel > 1 &&
      source != kImage)
    n += size_t(rows + 2) * (shapes_[source].width + 2) *
         shapes_[source].channels;
  auto result = [&](int layer) {
    return rows * row_floats(layers_[layer], shapes_[layer]);
  };
  const bool planar = step.last() == logits();
  if (!step.then.empty() || planar) n += result(step.first);
  for (int layer : step.then)
    if (layer != step.last() || planar) n += result(layer);
  return n;
}

void Planner::choose_bands() {
  for (size_t s = 0; s < plan_.steps.size(); s++) {
    Step &step = plan_.steps[s];
    const double cost = row_cost(step);
    const double goal =
        std::clamp(height(s) * cost / (4 * threads_), kLeastCost, kTaskCost);
    step.band = std::clamp(static_cast<int>(goal / cost), 1, height(s));
    while (step.band > 1 && scratch(step, step.band) > kScratchGoal)
      step.band--;
    plan_.scratch = std::max(plan_.scratch, scratch(step, step.band));
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
      return {input, cell_begin(begin, rows, l.bins),
              cell_end(end - 1, rows, l.bins)};
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
    if (r != kNoLayer && r != step.aside)
      all.push_back({r, task.begin, task.end});
  };
  residual(step.first);
  for (int layer : step.then) residual(layer);
  if (step.aside != kNoLayer)
    all.push_back(input_rows(step.aside, task.begin, task.end));
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

/// Adds the next task of a step, and before it those of its own group that it
/// waits for, and some more, so that no thread waits for another one's task.
void Planner::emit(int step) {
  const int begin = emitted_[step];
  const int end = std::min(height(step), begin + plan_.steps[step].band);
  const Task task{step, begin, end};
  for (const Range &r : reads(task))
    for (int writer : writers(r.layer)) {
      if (plan_.steps[writer].group != plan_.steps[step].group) continue;
      const int ahead = r.end + threads_ * plan_.steps[writer].band;
      while (emitted_[writer] < std::min(height(writer), ahead)) emit(writer);
    }
  tasks_of_[step].push_back(plan_.tasks.size());
  plan_.tasks.push_back(task);
  emitted_[step] = end;
}

void Planner::order_tasks() {
  const int steps = plan_.steps.size();
  emitted_.assign(steps, 0);
  tasks_of_.resize(steps);
  for (int s = 0; s < steps; s++) {
    while (!follows_closely(s) && emitted_[s] < height(s)) emit(s);
  }
}

/// The next step is in the same group: it is the only one that reads the result
/// of this one.
bool Planner::follows_closely(int step) const {
  return step + 1 < int(plan_.steps.size()) &&
         plan_.steps[step + 1].group == plan_.steps[step].group;
}

/// Rows of a step's result that must be kept when the next one in its group
/// follows closely: none is overwritten before all tasks that read it have
/// been handed out, and a few more after them.
int Planner::ring_rows(int step) const {
  const int band = plan_.steps[step].band;
  int rows = 0;
  for (int writing : tasks_of_[step]) {
    int oldest = plan_.tasks[writing].begin;
    for (int reading : tasks_of_[step + 1])
      if (reading > writing - 2 * threads_)
        oldest = std::min(oldest, reads(plan_.tasks[reading])[0].begin);
    rows = std::max(rows, plan_.tasks[writing].end - oldest);
  }
  return std::min<int>(round_up(rows, band), height(step));
}

/// Pixels, rows and how many of them are kept.
void Planner::lay_out(int layer) {
  const Layer &l = layers_[layer];
  const Shape &shape = shapes_[layer];
  Place &p = plan_.places[layer];
  p.stored = true;
  p.rows = shape.height;
  p.step = round_up(l.channels, kChannelBlock);
  p.pitch = row_floats(l, shape);
  if (layer == logits()) {
    // One vector may be read from the last pixel of a class on.
    p.step = round_up(shape.width, kLine) + kLine;
    p.pitch = p.step * l.channels;
  } else if (l.op != Op::kConcat && follows_closely(step_of_[layer])) {
    p.rows = ring_rows(step_of_[layer]);
  }
}

/// The groups from the first that writes to a layer or its parts to the last
/// that reads from them.
Interval Planner::lifetime(int layer) const {
  const Place &p = plan_.places[layer];
  const int last = plan_.steps.back().group;
  Interval life = {size_t(p.rows) * p.pitch, last, 0};
  auto extend = [&](int step) {
    const int group = plan_.steps[step].group;
    life.first = std::min(life.first, group);
    life.last = std::max(life.last, group);
  };
  for (int writer : writers(layer)) extend(writer);
  for (size_t s = 0; s < plan_.steps.size(); s++)
    for (const Range &r : reads({int(s), 0, height(s)}))
      if (r.layer == layer || whole_[r.layer] == layer) extend(s);
  return life;
}

void Planner::place() {
  plan_.places.resize(layers_.size());
  std::vector<Interval> intervals;
  std::vector<int> owners;
  for (size_t i = 0; i < layers_.size(); i++)
    if (layers_[i].op == Op::kConcat || step_of_[i] >= 0) lay_out(i);
  for (size_t i = 0; i < layers_.size(); i++)
    if (plan_.places[i].stored && whole_[i] == kNoLayer) {
      intervals.push_back(lifetime(i));
      owners.push_back(i);
    }
  // With a gap, a step that writes hardly ever waits for the last readers.
  plan_.arena = place_in_arena(&intervals, kLine, 1);
  for (size_t i = 0; i < intervals.size(); i++)
    plan_.places[owners[i]].begin = intervals[i].offset;

  // Parts of a concatenation lie side by side inside it.
  for (size_t i = 0; i < layers_.size(); i++) {
    if (layers_[i].op != Op::kConcat) continue;
    Place part = plan_.places[i];
    for (int input : layers_[i].inputs) {
      plan_.places[input] = part;
      part.begin += layers_[input].channels;
    }
  }
}

void Planner::order_by_data() {
  plan_.order.resize(plan_.tasks.size());
  std::vector<int> group_begin;  // first task of every group
  for (size_t t = 0; t < plan_.tasks.size(); t++)
    if (plan_.steps[plan_.tasks[t].step].group == int(group_begin.size()))
      group_begin.push_back(t);

  for (size_t t = 0; t < plan_.tasks.size(); t++) {
    const Task &task = plan_.tasks[t];
    const Step &step = plan_.steps[task.step];
    Schedule::Task &order = plan_.order[t];
    if (step.group > 0) order.after_all_before = group_begin[step.group - 1];

    for (const Range &r : reads(task))
      for (int writer : writers(r.layer))
        for (int w : tasks_of_[writer])
          if (plan_.tasks[w].begin < r.end && r.begin < plan_.tasks[w].end &&
              w >= order.after_all_before)
            order.after.push_back(w);

    // Rows that are overwritten have been read.
    const Place &p = plan_.places[step.last()];
    if (p.rows < height(task.step))
      for (int reader : tasks_of_[task.step + 1]) {
        const Range r = reads(plan_.tasks[reader])[0];
        if (reader < int(t) && r.begin < task.end - p.rows &&
            task.begin - p.rows < r.end)
          order.after.push_back(reader);
      }
  }
}

}  // namespace

size_t row_floats(const Layer &layer, const Shape &shape) {
  return round_up(layer.channels, kChannelBlock) * shape.width;
}

Plan make_plan(const std::vector<Layer> &layers,
               const std::vector<Shape> &shapes, int image_height,
               bool align_corners, int threads) {
  return Planner(layers, shapes, image_height, align_corners, threads).make();
}

}  // namespace fastscnn
