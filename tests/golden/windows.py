"""keras.utils.timeseries_dataset_from_array, its batches put together again.

Window i holds data[start + i stride + j rate], j = 0 ... length - 1; its target is targets[start + i stride].
There are as many windows as lie before `end`, and no more than there are targets.
"""

import keras
import numpy as np

from common import exact


def case(data, targets, **options):
    batches = list(keras.utils.timeseries_dataset_from_array(data, targets, format="grain", **options))
    made = {"options": options}
    if targets is None:
        x = np.concatenate([np.asarray(b) for b in batches])
    else:
        x = np.concatenate([np.asarray(b[0]) for b in batches])
        made["y"] = exact(np.concatenate([np.asarray(b[1]) for b in batches]))
    made["x"] = exact(x)
    made["batch_sizes"] = [len(b if targets is None else b[0]) for b in batches]
    return made


def cases():
    series = np.arange(20.0)
    columns = np.stack([series, -series], axis=1)
    ahead = series[6:]  # a target six steps after the start of its window
    return {
        "data": "series: 0, 1, ... 19; columns: (t, -t); ahead: 6, 7, ... 19",
        "series": {
            "plain": case(series, None, sequence_length=5, batch_size=4),
            "stride": case(series, None, sequence_length=5, sequence_stride=3),
            "rate": case(series, None, sequence_length=4, sampling_rate=3),
            "stride_and_rate": case(series, None, sequence_length=3, sequence_stride=2, sampling_rate=4),
            "start": case(series, None, sequence_length=5, start_index=7),
            "end": case(series, None, sequence_length=5, end_index=12),
            "start_and_end": case(series, None, sequence_length=3, sequence_stride=2, start_index=4, end_index=15),
            "whole": case(series, None, sequence_length=20),
        },
        "series_with_targets_ahead": {
            "plain": case(series, ahead, sequence_length=5, batch_size=8),
            "stride": case(series, ahead, sequence_length=5, sequence_stride=4),
            "fewer_targets_than_windows": case(series, ahead, sequence_length=2),
            "start_and_end": case(series, ahead, sequence_length=3, sampling_rate=2, start_index=3, end_index=14),
        },
        "columns": {
            "plain": case(columns, None, sequence_length=4, sequence_stride=5),
            "rate": case(columns, None, sequence_length=3, sequence_stride=4, sampling_rate=2),
        },
        "columns_with_targets_columns": {
            "plain": case(columns, columns, sequence_length=4, sequence_stride=5),
        },
    }
