#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "xlayers/framework/config/value.hpp"
#include "xlayers/framework/tensor/tensor.hpp"
#include "xlayers/models/console/logs.hpp"

namespace xl {

class FitRun;
class Model;

/// Runs with training. A program derives from it, overrides what it wants to know about, and passes
/// it to `fit`, `evaluate` or `predict`. Epochs and batches count from 0. `logs` holds the running
/// means of the epoch at the end of a batch, and those and the `val_` ones at the end of an epoch;
/// what a callback adds to the logs of an epoch stands in the History. As keras.callbacks.Callback.
///
/// What has begun also ends if something throws, so that a callback can put back what it holds: `on_train_end`,
/// `on_test_end` and `on_predict_end` of each callback whose `..._begin` has returned are then called all the same, and
/// the exception is thrown on. (Keras calls them only if all went well.)
class Callback {
 public:
  /// What the run that begins is. As Keras' `params`.
  struct Params {
    int verbose = 0;
    int epochs = 1;
    std::int64_t steps = 0;  ///< batches in an epoch
  };

  virtual ~Callback() = default;

  virtual void on_train_begin(Logs& /*logs*/) {}
  virtual void on_train_end(Logs& /*logs*/) {}
  virtual void on_epoch_begin(int /*epoch*/, Logs& /*logs*/) {}
  virtual void on_epoch_end(int /*epoch*/, Logs& /*logs*/) {}
  virtual void on_train_batch_begin(int /*batch*/, Logs& /*logs*/) {}
  virtual void on_train_batch_end(int /*batch*/, Logs& /*logs*/) {}

  /// `evaluate`, and the validation within `fit`.
  virtual void on_test_begin(Logs& /*logs*/) {}
  virtual void on_test_end(Logs& /*logs*/) {}
  virtual void on_test_batch_begin(int /*batch*/, Logs& /*logs*/) {}
  virtual void on_test_batch_end(int /*batch*/, Logs& /*logs*/) {}

  virtual void on_predict_begin(Logs& /*logs*/) {}
  virtual void on_predict_end(Logs& /*logs*/) {}
  virtual void on_predict_batch_begin(int /*batch*/, Logs& /*logs*/) {}
  virtual void on_predict_batch_end(int /*batch*/, Logs& /*logs*/) {}

  /// What a callback knows of the run so far and needs to go on with it in another process; `class_name` says whose it is.
  struct State {
    std::string class_name = {};
    Config config = {};
    std::vector<Tensor> tensors = {};
  };
  /// For BackupAndRestore to keep. A callback that says nothing begins anew.
  virtual State state() const { return {}; }
  /// The inverse, after on_train_begin. Throws ValueError for what is no state of this class.
  virtual void restore(const State& /*state*/) {}

  /// A run that the callback takes part in.
  struct Run {
    Model* model = nullptr;  ///< none: it takes part in none
    Params params = {};
    FitRun* fit = nullptr;  ///< none: it is no training
    bool stop = false;
  };
  /// Called by the model before a run begins. Gives the run that the callback is in already, if it has started this one
  /// itself: `end_run` returns to that.
  Run begin_run(Model& model, const Params& params, FitRun* fit = nullptr) {
    return std::exchange(run_, {&model, params, fit});
  }
  void end_run(const Run& before) {
    if (before.model == nullptr)
      run_.model = nullptr;
    else
      run_ = before;
  }
  /// True once the callback has asked to stop; the model looks after every batch and every epoch.
  bool wants_stop() const { return run_.stop; }

 protected:
  /// The model that runs. Throws ValueError outside of the functions above.
  Model& model() const;
  const Params& params() const { return run_.params; }
  FitRun* fit_run() const { return run_.fit; }
  /// Training ends after this batch if called during one, else after this epoch.
  /// As `self.model.stop_training = True`.
  void stop_training() { run_.stop = true; }

 private:
  Run run_;
};

/// The callbacks of a run, in the order in which they are called. One that is made in place needs no pointer; one that
/// the program asks something later is shared with it:
///
///     const auto stopping = std::make_shared<xl::EarlyStopping>(xl::EarlyStopping::Options{.patience = 3});
///     model.fit(x, y, {.callbacks = {stopping, xl::CSVLogger({.filename = "log.csv"})}});
class CallbackList : public std::vector<std::shared_ptr<Callback>> {
 public:
  /// One of them. A callback with a name of its own does not go: the run would have a copy, and the program would ask
  /// the one that never ran.
  class Item {
   public:
    template <std::derived_from<Callback> T>
    requires(!std::is_const_v<T>) Item(T&& made) : callback(std::make_shared<T>(std::move(made))) {}
    template <class T>
    requires std::is_convertible_v<T, std::shared_ptr<Callback>> Item(T shared) : callback(std::move(shared)) {}

    std::shared_ptr<Callback> callback;
  };

  CallbackList() = default;
  CallbackList(std::initializer_list<Item> items) {
    for (const Item& item : items) push_back(item.callback);
  }
  CallbackList(std::vector<std::shared_ptr<Callback>> callbacks) : vector(std::move(callbacks)) {}
};

}  // namespace xl
