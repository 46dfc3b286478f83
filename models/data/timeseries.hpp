#pragma once

#include <cstdint>
#include <optional>

#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {

/// How timeseries_dataset_from_array cuts windows. Positions count along the first axis of the
/// data.
struct TimeseriesOptions {
  std::int64_t sequence_length = 0;           ///< steps in a window; must be given
  std::int64_t sequence_stride = 1;           ///< from the start of a window to the start of the next
  std::int64_t sampling_rate = 1;             ///< from a step of a window to its next step
  std::optional<std::int64_t> start_index{};  ///< the first position that is used; none: 0
  std::optional<std::int64_t> end_index{};    ///< the first that is no longer used; none: all are
};

/// Windows and what is to be forecast from each.
struct TimeseriesDataset {
  Tensor x;  ///< (windows, sequence_length, ...)
  Tensor y;  ///< (windows, ...)
};

/// Cuts a time series into windows: window i holds the steps `start_index + i * sequence_stride +
/// k * sampling_rate` for k from 0 to sequence_length - 1.
///
///   data      (time, ...)
///   targets   (time, ...): `targets[i]` belongs to the window that starts at position i of the data
///   returns   every window that lies between start_index and end_index and has a target, in time order
///   throws    ValueError for an option out of range, and where no window fits or its target is missing;
///             ShapeError for a scalar
///
/// Batches and their order are made by `fit` (`batch_size`, `shuffle`), so this has no such
/// options. As keras.utils.timeseries_dataset_from_array, where data that is too short gives an
/// empty dataset.
TimeseriesDataset timeseries_dataset_from_array(const Tensor& data, const Tensor& targets,
                                                const TimeseriesOptions& options);

/// The windows alone: (windows, sequence_length, ...). Called for two series with the same options,
/// it makes pairs of windows, as for a forecast of many steps.
Tensor timeseries_dataset_from_array(const Tensor& data, const TimeseriesOptions& options);

}  // namespace xl
