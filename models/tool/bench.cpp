// xlayers bench MODEL

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/tensor/random_tensor.hpp"
#include "xlayers/models/model/model_base.hpp"
#include "xlayers/models/tool/commands.hpp"
#include "xlayers/models/tool/data_files.hpp"
#include "xlayers/models/tool/model_at.hpp"
#include "xlayers/models/training/compiled_outputs.hpp"

namespace xl::tool {
namespace {

// ---- data: what a model is fed with does not matter to its speed, as long as it takes it

/// 0 and 1 in turn by chance: a value, an hour and an index alike.
Array zeros_and_ones(const Shape& sample, DType dtype, Dim samples, Dim length) {
  Shape shape = sample.with_batch(samples);
  for (std::size_t axis = 1; axis < shape.rank(); ++axis)
    if (shape[axis] == None) {
      if (length == 0) throw ValueError("the model takes any length: say which, --length N");
      shape[axis] = length;
    }
  return Array(random_integers(shape, 0, 2, 1)).as(dtype);
}

/// `samples` samples, which repeat those that are given.
Array repeated(const Array& given, Dim samples) {
  const Dim there = given.shape()[0];
  if (there == 0) throw ValueError("expected samples, got an input of shape " + to_string(given.shape()));
  const std::int64_t numbers = given.shape().elements() / there;
  const Shape shape = given.shape().sample().with_batch(samples);
  const auto fill = [&](auto tensor, const auto* from) {
    for (Dim i = 0; i < samples; ++i) std::copy_n(from + i % there * numbers, numbers, tensor.data() + i * numbers);
    return Array(std::move(tensor));
  };
  if (given.dtype() == DType::int32) return fill(random_integers(shape, 0, 1), given.integers());
  return fill(empty(shape), given.data());
}

// Targets of every output that is trained on: of zeros and ones too, which are labels as well.
Data targets(const ModelBase& model, Dim samples, Dim length) {
  const Signature& signature = *model.signature();
  const CompiledOutputs compiled(signature, *model.compiled());
  Data data;
  for (std::size_t i = 0; i < compiled.size(); ++i) {
    if (!compiled[i].loss) continue;
    Shape sample = signature.outputs[i].shape.sample();
    if (!sample.empty()) sample.back() = compiled[i].loss->target_features(sample.back());
    data.add(signature.output_names[i], zeros_and_ones(sample, DType::float32, samples, length));
  }
  return data;
}

// ---- time

struct Times {
  double median = 0, best = 0;  // seconds of one run
};

Times measure(double seconds, const std::function<void()>& run) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  run();  // plans, and fills the caches
  std::vector<double> times;
  for (const Clock::time_point begin = Clock::now(); times.size() < 5 || since(begin) < seconds;) {
    const Clock::time_point start = Clock::now();
    run();
    times.push_back(since(start));
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[0]};
}

void print(const char* what, Dim samples, const Times& times) {
  char text[160];
  std::snprintf(text, sizeof text, "%-8s %5lld %12.4f %12.4f %12.0f\n", what, static_cast<long long>(samples),
                1e3 * times.median, 1e3 * times.best, static_cast<double>(samples) / times.median);
  std::cout << text << std::flush;
}

struct Arguments {
  std::string model;
  std::vector<std::string> inputs;
  int batch_size = 32, length = 0, threads = 0;
  double seconds = 1;
};

void bench(const Arguments& given) {
  if (given.threads > 0) set_num_threads(given.threads);
  const Model model = model_at(given.model);
  const Data files = read_inputs(given.inputs, {}, model);
  if (!model.built() && !files.empty()) model.predict_all(files);
  const auto& base = static_cast<const ModelBase&>(model.base());
  const Signature& signature = *base.signature();
  const std::vector<Array> there = files.empty() ? std::vector<Array>() : signature.inputs_of(files);
  const auto inputs = [&](Dim samples) {
    Data data;
    for (std::size_t i = 0; i < signature.inputs.size(); ++i) {
      const TensorSpec& spec = signature.inputs[i];
      data.push_back(there.empty() ? zeros_and_ones(spec.shape.sample(), spec.dtype, samples, given.length)
                                   : repeated(there[i], samples));
    }
    return data;
  };

  std::cout << "         batch    median ms      best ms    samples/s\n";
  const Data one = inputs(1), batch = inputs(given.batch_size);
  print("predict", 1, measure(given.seconds, [&] { model.predict_all(one); }));
  print("predict", given.batch_size,
        measure(given.seconds, [&] { model.predict_all(batch, {.batch_size = given.batch_size}); }));
  if (!model.compiled()) {
    std::cout << "step     it is not compiled\n";
    return;
  }
  const Data y = targets(base, given.batch_size, given.length);
  print("step", given.batch_size, measure(given.seconds, [&] { model.train_on_batch(batch, y); }));
}

}  // namespace

void add_bench(CLI::App& app) {
  const auto given = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "bench", "Measures how long a model takes: to predict one sample and a batch, and for a step of training");
  command->add_option("MODEL", given->model, "A model: .xl, .keras or .json")->required();
  command->add_option("INPUT", given->inputs,
                      "Inputs as predict takes them, for a model that does not take zeros and ones");
  command->add_option("--batch-size", given->batch_size, "Samples of the batch")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--length", given->length, "The extent of axes that the model leaves open")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--threads", given->threads, "Else as many as there are cores")->check(CLI::Range(1, 1'000'000));
  command->add_option("--seconds", given->seconds, "How long each is repeated")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  command->callback([given] { bench(*given); });
}

}  // namespace xl::tool
