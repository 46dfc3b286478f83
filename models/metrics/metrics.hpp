#pragma once

// All metrics.

#include "xlayers/models/metrics/accuracy.hpp"
#include "xlayers/models/metrics/loss_metrics.hpp"
#include "xlayers/models/metrics/metric.hpp"
