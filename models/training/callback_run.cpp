#include "xlayers/models/training/callback_run.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

void check_run(const LayerBase& model, int batch_size, int verbose, const Callbacks& callbacks) {
  if (batch_size < 1)
    throw ValueError(model.label() + "expected a batch_size of 1 or more, got " + std::to_string(batch_size));
  if (verbose < 0 || verbose > 2)
    throw ValueError(model.label() + "expected verbose to be 0, 1 or 2, got " + std::to_string(verbose));
  if (std::any_of(callbacks.begin(), callbacks.end(), [](const auto& c) { return c == nullptr; }))
    throw ValueError(model.label() + "expected callbacks, got one that is null");
}

CallbackRun::CallbackRun(const Callbacks& callbacks, Model& model, const Callback::Params& params, FitRun* fit)
    : callbacks_(callbacks) {
  before_.reserve(callbacks.size());
  for (const auto& callback : callbacks) before_.push_back(callback->begin_run(model, params, fit));
}

CallbackRun::~CallbackRun() {
  for (std::size_t i = callbacks_.size(); i-- > 0;) callbacks_[i]->end_run(before_[i]);
}

}  // namespace xl
