#pragma once

#include <functional>
#include <utility>

#include "xlayers/models/training/callback.hpp"

namespace xl {

/// A callback made of functions, one for each event that is of interest:
///
///     xl::LambdaCallback({.on_epoch_end = [](int epoch, xl::Logs& logs) { std::cout << epoch << ' ' << logs["loss"]; }})
///
/// One that ends the training derives from Callback instead. As keras.callbacks.LambdaCallback.
class LambdaCallback : public Callback {
 public:
  using OfRun = std::function<void(Logs& logs)>;
  using OfEpoch = std::function<void(int epoch, Logs& logs)>;
  using OfBatch = std::function<void(int batch, Logs& logs)>;

  /// See Callback for when each is called; one that is not given is not.
  struct Options {
    OfEpoch on_epoch_begin = {};
    OfEpoch on_epoch_end = {};
    OfRun on_train_begin = {};
    OfRun on_train_end = {};
    OfBatch on_train_batch_begin = {};
    OfBatch on_train_batch_end = {};
    OfRun on_test_begin = {};
    OfRun on_test_end = {};
    OfBatch on_test_batch_begin = {};
    OfBatch on_test_batch_end = {};
    OfRun on_predict_begin = {};
    OfRun on_predict_end = {};
    OfBatch on_predict_batch_begin = {};
    OfBatch on_predict_batch_end = {};
  };

  explicit LambdaCallback(Options options) : options_(std::move(options)) {}

  void on_epoch_begin(int epoch, Logs& logs) override { call(options_.on_epoch_begin, epoch, logs); }
  void on_epoch_end(int epoch, Logs& logs) override { call(options_.on_epoch_end, epoch, logs); }
  void on_train_begin(Logs& logs) override { call(options_.on_train_begin, logs); }
  void on_train_end(Logs& logs) override { call(options_.on_train_end, logs); }
  void on_train_batch_begin(int batch, Logs& logs) override { call(options_.on_train_batch_begin, batch, logs); }
  void on_train_batch_end(int batch, Logs& logs) override { call(options_.on_train_batch_end, batch, logs); }
  void on_test_begin(Logs& logs) override { call(options_.on_test_begin, logs); }
  void on_test_end(Logs& logs) override { call(options_.on_test_end, logs); }
  void on_test_batch_begin(int batch, Logs& logs) override { call(options_.on_test_batch_begin, batch, logs); }
  void on_test_batch_end(int batch, Logs& logs) override { call(options_.on_test_batch_end, batch, logs); }
  void on_predict_begin(Logs& logs) override { call(options_.on_predict_begin, logs); }
  void on_predict_end(Logs& logs) override { call(options_.on_predict_end, logs); }
  void on_predict_batch_begin(int batch, Logs& logs) override { call(options_.on_predict_batch_begin, batch, logs); }
  void on_predict_batch_end(int batch, Logs& logs) override { call(options_.on_predict_batch_end, batch, logs); }

 private:
  template <class Function, class... Arguments>
  static void call(const Function& function, Arguments&&... arguments) {
    if (function) function(arguments...);
  }

  Options options_;
};

}  // namespace xl
