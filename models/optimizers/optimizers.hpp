#pragma once

// All optimizers, and all learning rate schedules.

#include "xlayers/models/optimizers/adam.hpp"
#include "xlayers/models/optimizers/optimizer.hpp"
#include "xlayers/models/optimizers/rmsprop.hpp"
#include "xlayers/models/optimizers/schedules.hpp"
#include "xlayers/models/optimizers/sgd.hpp"
