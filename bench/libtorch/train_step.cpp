// A training step and predictions of the documentation's Sequential model, in xlayers and in
// libtorch, in turns in one process. What counts is the ratio: the absolute times move with
// whatever else the machine does.
//
//   train_step [THREADS [ROUNDS]]       2 and 15 if they are not given
//
// Exits with 1 if the two do not compute the same.

#include <torch/torch.h>

#include <xlayers/xlayers.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace {

constexpr int batch = 32, steps = 100, width = 64, hidden = 32;

xl::Sequential make_model() {
  xl::Sequential model{
      xl::Input({steps, 1}),
      xl::TokenEmbedding({.c_in = 1, .d_model = width}),
      xl::PositionalEmbedding({.max_len = steps, .d_model = width}),
      xl::Dense({.units = hidden, .activation = "relu"}),
      xl::Dense({.units = 1}),
  };
  model.compile({.optimizer = "adam", .loss = "mse"});
  return model;
}

struct TorchModel : torch::nn::Module {
  TorchModel() {
    embedding =
        register_module("embedding", torch::nn::Conv1d(torch::nn::Conv1dOptions(1, width, 3).padding(1).bias(false)));
    dense = register_module("dense", torch::nn::Linear(width, hidden));
    output = register_module("output", torch::nn::Linear(hidden, 1));
    std::vector<float> table(steps * width);
    xl::positional_encoding(table, {.length = steps, .d_model = width});
    encoding = register_buffer("encoding", torch::from_blob(table.data(), {1, steps, width}, torch::kFloat).clone());
  }

  torch::Tensor forward(torch::Tensor x) {  // (batch, steps, 1)
    x = embedding(x.transpose(1, 2)).transpose(1, 2) + encoding;
    return output(torch::relu(dense(x)));
  }

  torch::nn::Conv1d embedding{nullptr};
  torch::nn::Linear dense{nullptr}, output{nullptr};
  torch::Tensor encoding;
};

// The other's kernels are (filters, channels, taps) and (outputs, inputs).
xl::Tensor copy(const torch::Tensor& from) {
  const torch::Tensor tensor = from.detach().contiguous();
  xl::Shape shape(tensor.sizes().begin(), tensor.sizes().end());
  xl::Tensor to = xl::empty(shape);
  std::copy_n(tensor.data_ptr<float>(), to.size(), to.data());
  return to;
}

void copy_weights(const TorchModel& from, const xl::Sequential& to) {
  to.set_weights({copy(from.embedding->weight.permute({2, 1, 0})), copy(from.dense->weight.t()), copy(from.dense->bias),
                  copy(from.output->weight.t()), copy(from.output->bias)});
}

// Microseconds of one call: the median of `count`.
double median_time(int count, const std::function<void()>& call) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    const auto start = std::chrono::steady_clock::now();
    call();
    const auto end = std::chrono::steady_clock::now();
    times.push_back(std::chrono::duration<double, std::micro>(end - start).count());
  }
  std::nth_element(times.begin(), times.begin() + count / 2, times.end());
  return times[static_cast<std::size_t>(count / 2)];
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Rounds in which one library does `count` calls, and then the other.
void compare(const char* what, int rounds, int count, const std::function<void()>& ours,
             const std::function<void()>& theirs) {
  std::vector<double> our_times, their_times, ratios;
  for (int round = -1; round < rounds; ++round) {  // round -1 warms up
    const double their_time = median_time(count, theirs), our_time = median_time(count, ours);
    if (round < 0) continue;
    our_times.push_back(our_time);
    their_times.push_back(their_time);
    ratios.push_back(our_time / their_time);
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("%-24s %9.0f us %9.0f us     %5.2f   (%.2f to %.2f)\n", what, median(our_times), median(their_times),
              median(ratios), ratios.front(), ratios.back());
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 15;
  if (threads < 1 || rounds < 1) {
    std::fprintf(stderr, "usage: train_step [THREADS [ROUNDS]]\n");
    return 2;
  }
  xl::set_num_threads(threads);
  torch::set_num_threads(threads);
  torch::manual_seed(1);

  const torch::Tensor torch_x = torch::randn({batch, steps, 1}), torch_y = torch::randn({batch, steps, 1});
  const torch::Tensor torch_one = torch_x.slice(0, 0, 1).contiguous();
  const xl::Tensor x = copy(torch_x), y = copy(torch_y), one = copy(torch_one);
  TorchModel torch_model;
  torch::optim::Adam adam(torch_model.parameters(), torch::optim::AdamOptions(1e-3).eps(1e-7));
  const xl::Sequential model = make_model();
  copy_weights(torch_model, model);

  double our_loss = 0, their_loss = 0;
  const auto our_step = [&] { our_loss = model.train_on_batch(x, y).loss(); };
  const auto their_step = [&] {
    adam.zero_grad();
    const torch::Tensor loss = torch::mse_loss(torch_model.forward(torch_x), torch_y);
    loss.backward();
    adam.step();
    their_loss = loss.item<float>();
  };
  // The same weights, the same batch: the same losses, until rounding drives them apart.
  for (int step = 0; step < 20; ++step) {
    our_step();
    their_step();
    if (std::abs(our_loss - their_loss) > 1e-3 * their_loss) {
      std::fprintf(stderr, "step %d: the loss is %g here and %g there\n", step, our_loss, their_loss);
      return 1;
    }
  }

  std::printf("%d threads, medians of %d rounds\n", threads, rounds);
  std::printf("%-24s %12s %12s     ratio\n", "", "xlayers", "libtorch");
  compare("training step, batch 32", rounds, 200, our_step, their_step);

  xl::Tensor forecast, forecast_one;
  const torch::NoGradGuard no_gradients;
  torch_model.eval();
  compare(
      "predict 32", rounds, 200, [&] { model.predict(x, forecast); }, [&] { torch_model.forward(torch_x); });
  compare(
      "predict 1", rounds, 1000, [&] { model.predict(one, forecast_one); }, [&] { torch_model.forward(torch_one); });
  return 0;
}
