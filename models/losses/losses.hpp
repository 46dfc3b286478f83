#pragma once

// All losses.

#include "xlayers/models/losses/loss.hpp"
#include "xlayers/models/losses/probabilistic_losses.hpp"
#include "xlayers/models/losses/regression_losses.hpp"
