// The same models from small to large in xlayers and in libtorch, in turns in one process: a training step with SGD, a
// prediction, and the memory that each takes. What counts is the ratio; and how much of what the machine can do at most was done.
//
//   growth [THREADS [ROUNDS [WORK]]]          2, 5 and all; WORK is a part of a name
//   growth memory xlayers|libtorch WORK       MiB that three steps add to the process
//
// Prints a table in Markdown. Exits with 1 if the two do not compute the same.

#include <torch/torch.h>

#include <xlayers/xlayers.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "xlayers/framework/kernels/gemm.hpp"

namespace {

using Weights = std::vector<torch::Tensor>;
using xl::Dim;

struct Work {
  std::string name;
  Dim batch = 0;
  xl::Shape input;     // of one sample
  Dim vocabulary = 0;  // the inputs are indices below it; 0 for floats
  xl::Shape target;    // of one sample
  Dim classes = 0;     // the targets are classes, and the loss is the crossentropy; 0 for floats and mse
  std::function<xl::Model()> make = {};
  std::function<torch::Tensor(const Weights&, const torch::Tensor&)> forward = {};  // up to a softmax of classes
  bool softmax = false;                    // the model's outputs are probabilities
  double products = 0, step_products = 0;  // multiplications of matrices' elements, of the whole batch
};

// ---- libtorch's side. Kernels are (out, in), or (filters, channels, taps); series are (batch, channels, steps) for convolutions.

torch::Tensor multi_head_attention(const Weights& w, std::size_t at, const torch::Tensor& x, Dim heads) {
  const auto of_heads = [&](const torch::Tensor& t) {
    return t.view({t.size(0), t.size(1), heads, -1}).transpose(1, 2);
  };
  const auto project = [&](std::size_t i) { return of_heads(torch::linear(x, w[at + 2 * i], w[at + 2 * i + 1])); };
  const torch::Tensor y = at::scaled_dot_product_attention(project(0), project(1), project(2));
  return torch::linear(y.transpose(1, 2).reshape({x.size(0), x.size(1), -1}), w[at + 6], w[at + 7]);
}

torch::Tensor encoder(const Weights& w, std::size_t at, const torch::Tensor& x, Dim heads) {
  const auto norm = [&](const torch::Tensor& t, std::size_t i) {
    return torch::layer_norm(t, {t.size(-1)}, w[at + i], w[at + i + 1], 1e-5);
  };
  const torch::Tensor h = norm(x + multi_head_attention(w, at, x, heads), 8);
  const torch::Tensor hidden = torch::relu(torch::linear(h, w[at + 12], w[at + 13]));
  return norm(h + torch::linear(hidden, w[at + 14], w[at + 15]), 10);
}
constexpr std::size_t encoder_weights = 16;

// ---- the works

double encoder_products(double rows, double steps, double d, double hidden) {
  return rows * (4 * d * d + 2 * steps * d + 2 * d * hidden);
}

Work perceptron(int width) {
  Work work{"784-w-w-10, w = " + std::to_string(width), 128, {784}, 0, {}, 10};
  work.make = [=] {
    return xl::Sequential{xl::Input({784}), xl::Dense({.units = width, .activation = "relu"}),
                          xl::Dense({.units = width, .activation = "relu"}),
                          xl::Dense({.units = 10, .activation = "softmax"})};
  };
  work.forward = [](const Weights& w, const torch::Tensor& x) {
    return torch::linear(torch::relu(torch::linear(torch::relu(torch::linear(x, w[0], w[1])), w[2], w[3])), w[4], w[5]);
  };
  work.softmax = true;
  const double n = width;
  work.products = 128 * (784 * n + n * n + 10 * n);
  work.step_products = 128 * (2 * 784 * n + 3 * n * n + 3 * 10 * n);
  return work;
}

Work encoders(int layers, int d, int hidden, Dim steps, Dim batch) {
  Work work{std::to_string(layers) + " TransformerEncoders, d " + std::to_string(d) + ", T " + std::to_string(steps),
            batch,
            {steps, d},
            0,
            {steps, d}};
  work.make = [=] {
    xl::Sequential model{xl::Input({steps, d})};
    for (int i = 0; i < layers; ++i) model.add(xl::TransformerEncoder({.intermediate_dim = hidden, .num_heads = 8}));
    return model;
  };
  work.forward = [=](const Weights& w, const torch::Tensor& x) {
    torch::Tensor y = x;
    for (int i = 0; i < layers; ++i) y = encoder(w, encoder_weights * static_cast<std::size_t>(i), y, 8);
    return y;
  };
  const double rows = static_cast<double>(batch * steps);
  work.products = layers * encoder_products(rows, static_cast<double>(steps), d, hidden);
  work.step_products = 3 * work.products - rows * 3 * d * d;
  return work;
}

Work language_model(int vocabulary, int d, Dim steps, Dim batch) {
  Work work{"Embedding " + std::to_string(vocabulary) + " x " + std::to_string(d) + ", encoder, Dense",
            batch,
            {steps},
            vocabulary,
            {steps},
            vocabulary};
  work.make = [=] {
    return xl::Sequential{xl::Input({steps}), xl::Embedding({.input_dim = vocabulary, .output_dim = d}),
                          xl::TransformerEncoder({.intermediate_dim = 4 * d, .num_heads = 8}),
                          xl::Dense({.units = vocabulary})};
  };
  work.forward = [=](const Weights& w, const torch::Tensor& x) {
    return torch::linear(encoder(w, 1, torch::embedding(w[0], x), 8), w[17], w[18]);
  };
  const double rows = static_cast<double>(batch * steps), n = d;
  work.products = encoder_products(rows, static_cast<double>(steps), n, 4 * n) + rows * n * vocabulary;
  work.step_products = 3 * work.products;
  return work;
}

Work attention(Dim steps) {
  Work work{"MultiHeadAttention 8 x 64, T " + std::to_string(steps) + ", batch 1", 1, {steps, 512}, 0, {steps, 512}};
  work.make = [=] {
    const auto x = xl::Input({steps, 512});
    return xl::Model(x, xl::MultiHeadAttention({.num_heads = 8, .key_dim = 64})(x, x));
  };
  work.forward = [](const Weights& w, const torch::Tensor& x) { return multi_head_attention(w, 0, x, 8); };
  const double T = static_cast<double>(steps), d = 512;
  work.products = T * (4 * d * d + 2 * T * d);
  work.step_products = T * (9 * d * d + 7 * T * d);  // backward computes the scores again
  return work;
}

Work convolutions(int channels, Dim steps, Dim batch) {
  Work work{"4 Conv1D, " + std::to_string(channels) + " channels, kernel 7, T " + std::to_string(steps),
            batch,
            {steps, channels},
            0,
            {steps, channels}};
  work.make = [=] {
    xl::Sequential model{xl::Input({steps, channels})};
    for (int i = 0; i < 4; ++i)
      model.add(xl::Conv1D({.filters = channels, .kernel_size = 7, .padding = "same", .activation = "relu"}));
    return model;
  };
  work.forward = [](const Weights& w, const torch::Tensor& x) {
    torch::Tensor y = x;
    for (std::size_t i = 0; i < 4; ++i) y = torch::relu(torch::conv1d(y, w[2 * i], w[2 * i + 1], 1, 3));
    return y;
  };
  const double n = channels;
  work.products = 4.0 * static_cast<double>(batch * steps) * 7 * n * n;
  work.step_products = 2.75 * work.products;
  return work;
}

std::vector<Work> all_works() {
  return {perceptron(64),
          perceptron(256),
          perceptron(1024),
          perceptron(4096),
          encoders(4, 256, 1024, 128, 16),
          language_model(10'000, 128, 64, 16),
          attention(512),
          attention(4096),
          convolutions(16, 1024, 16),
          convolutions(256, 1024, 16)};
}

// ---- data and weights

torch::Tensor to_torch(const xl::Tensor& from) {
  const xl::Shape shape = xl::shape(from);
  const std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  return torch::from_blob(const_cast<float*>(from.data()), sizes, torch::kFloat).clone();
}

bool is_convolution(const Work& work) { return work.name.find("Conv1D") != std::string::npos; }

// (in, out) to (out, in); of attention's, (in, heads, features) and (heads, features, out) likewise.
torch::Tensor torch_weight(const Work& work, const xl::Tensor& weight, std::size_t index, Dim columns_of_next) {
  const torch::Tensor w = to_torch(weight);
  if (w.dim() == 1) return w;
  if (is_convolution(work)) return w.permute({2, 1, 0}).contiguous();
  if (work.vocabulary > 0 && index == 0) return w;
  if (w.dim() == 2 && columns_of_next == 0) return w.reshape({-1});  // a bias (heads, features)
  return w.reshape({w.numel() / columns_of_next, columns_of_next}).t().contiguous();
}

Weights torch_weights(const Work& work, const std::vector<xl::Tensor>& weights) {
  Weights all;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    // A kernel is followed by its bias, whose size is the kernel's columns. An attention's bias has two axes, as has a dense kernel.
    const bool is_bias = i > 0 && weights[i - 1].dimension() == weights[i].dimension() + 1;
    const Dim columns = is_bias || i + 1 == weights.size() ? 0 : static_cast<Dim>(weights[i + 1].size());
    all.push_back(torch_weight(work, weights[i], i, columns).requires_grad_());
  }
  return all;
}

struct Inputs {
  explicit Inputs(const Work& work) {
    const xl::Shape x_shape = work.input.with_batch(work.batch), y_shape = work.target.with_batch(work.batch);
    if (work.vocabulary > 0)
      ids = xl::random_integers(x_shape, 0, static_cast<int>(work.vocabulary), 1);
    else
      floats = xl::random_normal(x_shape, 1);
    const xl::Tensor seen = work.vocabulary > 0 ? xl::Tensor(ids) : floats;
    torch_x = to_torch(seen);
    if (work.vocabulary > 0) torch_x = torch_x.to(torch::kLong);
    if (work.classes > 0) {
      classes = xl::random_integers(y_shape, 0, static_cast<int>(work.classes), 2);
      torch_y = to_torch(xl::Tensor(classes)).to(torch::kLong).reshape({-1});
    } else {
      targets = xl::random_normal(y_shape, 2);
      torch_y = to_torch(targets);
    }
    if (is_convolution(work)) {
      torch_x = torch_x.transpose(1, 2).contiguous();
      torch_y = torch_y.transpose(1, 2).contiguous();
    }
  }

  xl::Tensor floats, targets;
  xl::IntTensor ids, classes;
  torch::Tensor torch_x, torch_y;
};

class Ours {
 public:
  explicit Ours(const Work& work) : work_(work), model_((xl::set_random_seed(1), work.make())) {
    const xl::Loss loss = work.classes == 0 ? xl::Loss("mse")
                          : work.softmax    ? xl::Loss("sparse_categorical_crossentropy")
                                            : xl::Loss(xl::SparseCategoricalCrossentropy({.from_logits = true}));
    model_.compile({.optimizer = xl::SGD({.learning_rate = 0.01f}), .loss = loss});
  }
  double step(const Inputs& data) const {
    if (work_.vocabulary > 0) return model_.train_on_batch(data.ids, data.classes).loss();
    if (work_.classes > 0) return model_.train_on_batch(data.floats, data.classes).loss();
    return model_.train_on_batch(data.floats, data.targets).loss();
  }
  const xl::Tensor& predict(const Inputs& data) {
    if (work_.vocabulary > 0)
      model_.predict(data.ids, output_);
    else
      model_.predict(data.floats, output_);
    return output_;
  }
  const xl::Model& model() const { return model_; }

 private:
  const Work& work_;
  xl::Model model_;
  xl::Tensor output_;
};

class Theirs {
 public:
  Theirs(const Work& work, const std::vector<xl::Tensor>& weights)
      : work_(work), weights_(torch_weights(work, weights)), sgd_(weights_, torch::optim::SGDOptions(0.01)) {}
  double step(const Inputs& data) {
    sgd_.zero_grad();
    const torch::Tensor y = work_.forward(weights_, data.torch_x);
    const torch::Tensor loss = work_.classes > 0
                                   ? torch::cross_entropy_loss(y.reshape({-1, work_.classes}), data.torch_y)
                                   : torch::mse_loss(y, data.torch_y);
    loss.backward();
    sgd_.step();
    return loss.item<float>();
  }
  torch::Tensor predict(const Inputs& data) const {
    const torch::InferenceMode no_gradients;
    const torch::Tensor y = work_.forward(weights_, data.torch_x);
    return work_.softmax ? torch::softmax(y, -1) : y;
  }

 private:
  const Work& work_;
  Weights weights_;
  torch::optim::SGD sgd_;
};

// ---- times

double milliseconds(const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Times {
  double ours, theirs, ratio;
};

// Rounds in which one library does some calls, about a fifth of a second, and then the other.
Times compare(int rounds, const std::function<void()>& ours, const std::function<void()>& theirs) {
  std::vector<double> our_times, their_times, ratios;
  ours(), theirs();
  const auto count = static_cast<int>(std::clamp(200 / std::max(milliseconds(ours), milliseconds(theirs)), 1.0, 200.0));
  const auto round = [&](const std::function<void()>& call) {
    std::vector<double> times;
    for (int i = 0; i < count; ++i) times.push_back(milliseconds(call));
    return median(times);
  };
  for (int i = 0; i < rounds; ++i) {
    their_times.push_back(round(theirs));
    our_times.push_back(round(ours));
    ratios.push_back(our_times.back() / their_times.back());
  }
  return {median(our_times), median(their_times), median(ratios)};
}

// Products per second, of one thread: of a matrix product whose operands stay in the cache.
double peak() {
  constexpr std::int64_t m = 96, n = 64, k = 256;
  const std::vector<float> a(m * k, 0.5f), b(k * n, 0.25f);
  std::vector<float> c(m * n);
  std::vector<double> times;
  for (int i = 0; i < 200; ++i)
    times.push_back(milliseconds([&] {
      for (int j = 0; j < 20; ++j)
        xl::kernels::gemm(
            {.m = m, .n = n, .k = k, .a = a.data(), .a_row = k, .b = b.data(), .b_row = n, .c = c.data(), .c_row = n});
    }));
  std::sort(times.begin(), times.end());
  return 20.0 * m * n * k / (times[times.size() / 10] * 1e-3);
}

// ---- memory

double resident_peak() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::atof(line.c_str() + 6) / 1024;
  return 0;
}

int print_memory(const std::string& library, const Work& work) {
  const Inputs data(work);
  std::vector<xl::Tensor> weights;
  if (library == "libtorch") {
    // Its weights' values do not matter.
    const xl::Model model = work.make();
    for (const xl::Tensor& w : model.get_weights()) weights.push_back(w);
  }
  const double before = resident_peak();
  if (library == "xlayers") {
    const Ours ours(work);
    for (int i = 0; i < 3; ++i) ours.step(data);
  } else {
    Theirs theirs(work, weights);
    for (int i = 0; i < 3; ++i) theirs.step(data);
  }
  std::printf("%.1f\n", resident_peak() - before);
  return 0;
}

double memory_of(const std::string& program, const char* library, const Work& work) {
  const std::string command = program + " memory " + library + " '" + work.name + "'";
  FILE* const pipe = popen(command.c_str(), "r");
  double result = 0;
  if (pipe == nullptr || std::fscanf(pipe, "%lf", &result) != 1) result = std::nan("");
  if (pipe != nullptr) pclose(pipe);
  return result;
}

// ---- side by side

bool agree(const Work& work, Ours& ours, Theirs& theirs, const Inputs& data) {
  const xl::Tensor& y = ours.predict(data);
  torch::Tensor z = theirs.predict(data);
  if (is_convolution(work)) z = z.transpose(1, 2);
  const torch::Tensor here = to_torch(y);
  const double off = (here - z.reshape(here.sizes())).abs().max().item<double>();
  const double most = here.abs().max().item<double>();
  if (!(off <= 1e-4 * std::max(1.0, most))) {
    std::fprintf(stderr, "%s: outputs differ by %g of %g\n", work.name.c_str(), off, most);
    return false;
  }
  for (int step = 0; step < 3; ++step) {
    const double our_loss = ours.step(data), their_loss = theirs.step(data);
    if (!(std::abs(our_loss - their_loss) <= 1e-4 * std::abs(their_loss))) {
      std::fprintf(stderr, "%s: in step %d the loss is %g here and %g there\n", work.name.c_str(), step, our_loss,
                   their_loss);
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Work> works = all_works();
  if (argc == 4 && std::strcmp(argv[1], "memory") == 0) {
    for (const Work& work : works)
      if (work.name == argv[3]) return print_memory(argv[2], work);
    return 2;
  }
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  if (threads < 1 || rounds < 1) {
    std::fprintf(stderr, "usage: growth [THREADS [ROUNDS [WORK]]]\n");
    return 2;
  }
  xl::set_num_threads(threads);
  torch::set_num_threads(threads);
  const double most = peak() * threads;
  std::printf("%d threads, medians of %d rounds; at most %.0f GFLOP/s in products\n\n", threads, rounds, 2e-9 * most);
  std::printf(
      "| work | step, ms | libtorch | ratio | of the peak | predict, ms | libtorch | ratio | of the peak | MiB | "
      "libtorch | ratio |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  bool right = true;
  for (const Work& work : works) {
    if (argc > 3 && work.name.find(argv[3]) == std::string::npos) continue;
    const double our_memory = memory_of(argv[0], "xlayers", work), their_memory = memory_of(argv[0], "libtorch", work);
    const Inputs data(work);
    Ours ours(work);
    Theirs theirs(work, ours.model().get_weights());
    if (!agree(work, ours, theirs, data)) {
      right = false;
      continue;
    }
    const Times step = compare(
        rounds, [&] { ours.step(data); }, [&] { theirs.step(data); });
    const Times predict = compare(
        rounds, [&] { ours.predict(data); }, [&] { theirs.predict(data); });
    std::printf("| %s | %.2f | %.2f | %.2f | %.0f %% | %.2f | %.2f | %.2f | %.0f %% | %.0f | %.0f | %.2f |\n",
                work.name.c_str(), step.ours, step.theirs, step.ratio,
                100 * work.step_products / (step.ours * 1e-3) / most, predict.ours, predict.theirs, predict.ratio,
                100 * work.products / (predict.ours * 1e-3) / most, our_memory, their_memory,
                our_memory / their_memory);
    std::fflush(stdout);
  }
  return right ? 0 : 1;
}
