#include "xlayers/models/data/timeseries.hpp"

#include <algorithm>
#include <string>

#include "xlayers/framework/base/errors.hpp"

namespace xl {
namespace {

[[noreturn]] void fail(const std::string& text) { throw ValueError("[timeseries_dataset_from_array] " + text); }

void require(bool ok, const std::string& name, std::int64_t got, const std::string& rule) {
  if (!ok) fail(name + " must be " + rule + ", got " + std::to_string(got));
}

Dim steps(const Tensor& series, const char* name) {
  if (series.dimension() == 0) {
    throw ShapeError(std::string("[timeseries_dataset_from_array] ") + name +
                     " must have a first axis, time, got a scalar");
  }
  return static_cast<Dim>(series.shape()[0]);
}

// The positions at which windows start: start, start + stride, ...; `count` of them.
struct Windows {
  std::int64_t start, stride, count;
};

Windows place(Dim length, std::optional<Dim> targets, const TimeseriesOptions& options) {
  const std::int64_t start = options.start_index.value_or(0);
  const std::int64_t end = options.end_index.value_or(length);
  const std::string than_data = "lower than the length of the data, " + std::to_string(length);
  require(start >= 0, "start_index", start, "0 or higher");
  if (start > 0) require(start < length, "start_index", start, than_data);
  if (options.end_index) {
    require(end > 0, "end_index", end, "higher than 0");
    require(end > start, "end_index", end, "higher than start_index, " + std::to_string(start));
    require(end < length, "end_index", end, than_data);
  }
  require(options.sequence_length > 0, "sequence_length", options.sequence_length, "higher than 0");
  require(options.sampling_rate > 0, "sampling_rate", options.sampling_rate, "higher than 0");
  require(options.sampling_rate < length, "sampling_rate", options.sampling_rate, than_data);
  require(options.sequence_stride > 0, "sequence_stride", options.sequence_stride, "higher than 0");
  require(options.sequence_stride < length, "sequence_stride", options.sequence_stride, than_data);

  // The last step of a window is (sequence_length - 1) * sampling_rate after its first.
  const std::int64_t available = end - start;
  std::int64_t starts = 0;
  if (options.sequence_length - 1 <= (available - 1) / options.sampling_rate) {
    starts = available - (options.sequence_length - 1) * options.sampling_rate;
  }
  if (starts <= 0) {
    fail("no window fits: sequence_length " + std::to_string(options.sequence_length) + " at sampling_rate " +
         std::to_string(options.sampling_rate) + " in " + std::to_string(available) + " steps");
  }
  if (targets) starts = std::min(starts, *targets);
  if (starts == 0) fail("targets are empty");
  const std::int64_t count = (starts - 1) / options.sequence_stride + 1;
  const std::int64_t last = start + (count - 1) * options.sequence_stride;
  if (targets && last >= *targets) {
    fail("the window that starts at " + std::to_string(last) + " has no target: there are " + std::to_string(*targets));
  }
  return {start, options.sequence_stride, count};
}

// Element count of one time step.
std::int64_t step_size(const Tensor& series) { return shape(series).sample().elements(); }

Tensor cut(const Tensor& data, const Windows& windows, const TimeseriesOptions& options) {
  const Shape step = shape(data).sample();
  Tensor x = empty(step.with_batch(options.sequence_length).with_batch(windows.count));
  const std::int64_t size = step_size(data);
  float* to = x.data();
  for (std::int64_t i = 0; i < windows.count; ++i) {
    const std::int64_t first = windows.start + i * windows.stride;
    for (std::int64_t k = 0; k < options.sequence_length; ++k) {
      to = std::copy_n(data.data() + (first + k * options.sampling_rate) * size, size, to);
    }
  }
  return x;
}

}  // namespace

TimeseriesDataset timeseries_dataset_from_array(const Tensor& data, const Tensor& targets,
                                                const TimeseriesOptions& options) {
  const Windows windows = place(steps(data, "data"), steps(targets, "targets"), options);
  TimeseriesDataset dataset{.x = cut(data, windows, options),
                            .y = empty(shape(targets).sample().with_batch(windows.count))};
  const std::int64_t size = step_size(targets);
  float* to = dataset.y.data();
  for (std::int64_t i = 0; i < windows.count; ++i) {
    to = std::copy_n(targets.data() + (windows.start + i * windows.stride) * size, size, to);
  }
  return dataset;
}

Tensor timeseries_dataset_from_array(const Tensor& data, const TimeseriesOptions& options) {
  return cut(data, place(steps(data, "data"), std::nullopt, options), options);
}

}  // namespace xl
