#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/models/training/callback.hpp"

// Internal: what fit, evaluate and predict have in common.

namespace xl {

using Callbacks = std::vector<std::shared_ptr<Callback>>;

/// Throws ValueError that names the model for a batch_size below 1, a verbose that is not 0, 1 or 2, and a
/// callback that is null.
void check_run(const LayerBase& model, int batch_size, int verbose, const Callbacks& callbacks);

/// How many batches `count` samples make.
inline std::int64_t batches(std::int64_t count, int batch_size) { return (count + batch_size - 1) / batch_size; }

/// While it lives, the callbacks are in a run of the model.
class CallbackRun {
 public:
  CallbackRun(const Callbacks& callbacks, Model& model, const Callback::Params& params, FitRun* fit = nullptr);
  ~CallbackRun();
  CallbackRun(const CallbackRun&) = delete;
  CallbackRun& operator=(const CallbackRun&) = delete;

 private:
  const Callbacks& callbacks_;
  std::vector<Callback::Run> before_;
};

/// Calls `begin` of each callback, `work`, and `end` of each callback that has begun: also if something throws, for what a
/// callback holds is to be put back. The first exception is thrown on when all have ended.
template <class Work>
void with_callbacks(const Callbacks& callbacks, void (Callback::*begin)(Logs&), void (Callback::*end)(Logs&),
                    Logs& logs, Work work) {
  std::exception_ptr first;
  const auto attempt = [&](auto step) {
    try {
      step();
    } catch (...) {
      if (!first) first = std::current_exception();
    }
  };
  std::size_t begun = 0;
  attempt([&] {
    for (; begun < callbacks.size(); ++begun) (*callbacks[begun].*begin)(logs);
    work();
  });
  for (std::size_t i = 0; i < begun; ++i) attempt([&] { (*callbacks[i].*end)(logs); });
  if (first) std::rethrow_exception(first);
}

}  // namespace xl
